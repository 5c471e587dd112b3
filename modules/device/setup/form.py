"""What the page asks for and sends: the configuration, in and out. Passwords only come in.

What takes long is done in pieces, none of which takes a board 50 ms: by generators, which return what
they find. Each is to be closed if it is not followed to its end, for then the rules are freed.
"""

import json
from micropython import const
from .. import imports


class Mistake(Exception):
    """What the page has sent cannot be used; `args[0]` is a list of sentences for people."""


# So many are told: the heap has room for them.
_MAX_PROBLEMS = const(16)
_MAX_SERVERS = const(8)  # kinds.py: Servers

_users = 0  # of the rules of /config.json
_turns = []  # of those who wait for them


def _wait_for_rules():
    # Return what _load_rules returns once nobody uses the rules: they take 4 KB, and the schema that is
    # made of them takes 8. In turn, or guests who ask without a pause would keep another waiting forever.
    turn = object()
    _turns.append(turn)
    try:
        while _users or _turns[0] is not turn:
            yield
        return _load_rules()
    finally:
        _turns.remove(turn)


def _load_rules():
    # Return the module `config`. What is short need not wait, and uses what is there.
    global _users
    from .. import config

    _users += 1
    return config


def _free_rules():
    global _users
    _users -= 1
    if not _users:
        imports.forget("config", "json_text", "kinds", "platforms", "rules")


def read():
    """Return (what is good of /config.json, {} if nothing is; whether it is all that the board needs).

    Blocks for half a second at most.
    """
    config = _load_rules()
    try:
        try:
            values = config.read_good()
        except OSError:
            values = {}
        return values, not config.check(values)
    finally:
        _free_rules()


def first_network(values):
    """Return the same with one network, the first where there is a list: the form has one."""
    if isinstance(values.get("wifi"), list):
        values = values.copy()
        values["wifi"] = values["wifi"][0] if values["wifi"] else {}
    return values


def without_secrets(values):
    """Return a copy without passwords, and the list of those that there are: ["wifi.password"].

    In pieces.
    """
    kept = []
    config = yield from _wait_for_rules()
    try:
        section = config.schema(values)
        yield
        return _strip(section, first_network(values), "", kept), kept
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


def parse(body, *known):
    """Return (values, whether to try them first) of what the page has sent, bytes.

    `known`: values with the passwords that it may leave out. Raises Mistake. In pieces.
    """
    config = yield from _wait_for_rules()
    try:
        from .. import json_text, rules

        try:
            text = bytes(body).decode()
        except UnicodeError:
            raise Mistake(["this is no UTF-8 text"])
        body = None  # 4 KB
        yield
        error = yield from json_text.search_error(text, unique=True)
        if error is not None:
            raise Mistake(["line %d, column %d: %s" % error])
        yield
        sent = json.loads(text)
        text = None
        yield
        values = sent.get("config") if isinstance(sent, dict) else None
        if not isinstance(values, dict):
            raise Mistake(['an object with "config" was expected here'])
        _split_servers(values)
        section = config.schema(values)
        yield
        for old in known:
            _keep_secrets(values, first_network(old), section, rules.OWNERS)
        problems = yield from config.check_in_pieces(values, section)
        if problems:
            left = len(problems) - _MAX_PROBLEMS
            if left > 0:
                problems[_MAX_PROBLEMS:] = ["and %d more" % left]
            raise Mistake(problems)
        return values, sent.get("try") is not False
    finally:
        _free_rules()


def _split_servers(values):
    # The field shows a list of brokers with commas between them; no name has one.
    mqtt = values.get("mqtt")
    server = mqtt.get("server") if isinstance(mqtt, dict) else None
    if isinstance(server, str) and "," in server:
        mqtt["server"] = [each.strip() for each in server.split(",", _MAX_SERVERS)]


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


def find_problems(values):
    """Return what is wrong with values, a list of sentences. In pieces."""
    config = yield from _wait_for_rules()
    try:
        section = config.schema(values)
        yield
        return (yield from config.check_in_pieces(values, section))
    finally:
        _free_rules()


def hostname(values, name, unique_id):
    """Return the host name that the board will have with these values, of which others may be missing."""
    config = _load_rules()
    try:
        # Not with what else is there: a service's rules rely on all that it asks for.
        known = first_network(values)
        known = {key: known[key] for key in ("wifi", "name") if key in known}
        return config.complete(known, name, unique_id)["wifi"][0]["hostname"]
    finally:
        _free_rules()


def save(values):
    """Write /config.json, with values that have no problems.

    Raises ValueError if it would grow too large, OSError if it cannot be written. Blocks for the flash
    memory.
    """
    config = _load_rules()
    try:
        config.write(values)
    finally:
        _free_rules()
