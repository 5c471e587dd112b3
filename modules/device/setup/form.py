"""What the page asks for and sends: the configuration, in and out. Passwords only come in.

The rules of /config.json are loaded for each request that needs them, and freed afterwards: 4 KB.
"""

import json
from .. import imports


class Mistake(Exception):
    """What the page has sent cannot be used; `args[0]` is a list of sentences for people."""


def _free_rules():
    imports.forget("config", "json_text", "kinds", "platforms", "rules")


def read():
    """Return what is good of /config.json; {} if nothing is."""
    from .. import config

    try:
        return config.read_good()
    except OSError:
        return {}
    finally:
        _free_rules()


def first_network(values):
    """Return the same with one network, the first where there is a list: the form has one."""
    if isinstance(values.get("wifi"), list):
        values = values.copy()
        values["wifi"] = values["wifi"][0] if values["wifi"] else {}
    return values


def without_secrets(values):
    """Return a copy without passwords, and the list of those that there are: ["wifi.password"]."""
    from .. import config

    kept = []
    try:
        return _strip(config.schema(values), first_network(values), "", kept), kept
    finally:
        _free_rules()


def _strip(section, values, path, kept):
    shown = {}
    for key, kind, _ in section.rules:
        if key not in values:
            continue
        value = values[key]
        if isinstance(value, dict):
            shown[key] = _strip(kind, value, path + key + ".", kept)
        elif not kind.secret:
            shown[key] = value
        elif value:
            kept.append(path + key)
    return shown


def parse(body, old):
    """Return (values, whether to try them first) of what the page has sent, bytes.

    `old` has the passwords that it may leave out. Raises Mistake.
    """
    from .. import config, json_text, rules

    try:
        text = bytes(body).decode()
        error = json_text.find_error(text, unique=True)
        if error is not None:
            raise Mistake(["line %d, column %d: %s" % error])
        sent = json.loads(text)
        values = sent.get("config") if isinstance(sent, dict) else None
        if not isinstance(values, dict):
            raise Mistake(['an object with "config" was expected here'])
        _split_servers(values)
        section = config.schema(values)
        _keep_secrets(values, first_network(old), section, rules.OWNERS)
        problems = config.check(values)
        if problems:
            raise Mistake(problems)
        return values, sent.get("try") is not False
    except UnicodeError:
        raise Mistake(["this is no UTF-8 text"])
    finally:
        _free_rules()


def _split_servers(values):
    # The field shows a list of brokers with commas between them; no name has one.
    mqtt = values.get("mqtt")
    server = mqtt.get("server") if isinstance(mqtt, dict) else None
    if isinstance(server, str) and "," in server:
        mqtt["server"] = [each.strip() for each in server.split(",")]


def _keep_secrets(values, old, whole, owners):
    # A password that the page leaves out stays, unless it could get to somebody else by that.
    for name, keys in owners.items():
        section = values.get(name)
        known = old.get(name)
        if not (isinstance(section, dict) and isinstance(known, dict)):
            continue
        if "password" in known and "password" not in section:
            defaults = {key: default for key, _, default in whole.kind(name).rules}
            if all(
                section.get(key, defaults[key]) == known.get(key, defaults[key]) for key in keys
            ):
                section["password"] = known["password"]


def with_network(values, ssid, password):
    """Return a copy with another network, and what else was said of the first one."""
    values = first_network(values).copy()
    values["wifi"] = values.get("wifi", {}).copy()
    values["wifi"].update(ssid=ssid, password=password)
    return values


def problems(values):
    """Return what is wrong with values, a list of sentences."""
    from .. import config

    try:
        return config.check(values)
    finally:
        _free_rules()


def hostname(values, name, unique_id):
    """Return the host name that the board will have with these values."""
    from .. import config

    try:
        wifi = config.complete(values, name, unique_id)["wifi"]
        return (wifi[0] if isinstance(wifi, list) else wifi)["hostname"]
    finally:
        _free_rules()


def save(values):
    """Write /config.json. Raises OSError if it cannot be written. Blocks for the flash memory."""
    from .. import config

    try:
        config.save(values)
    finally:
        _free_rules()
