"""`/config.json`: read, check, complete, save. The only reader of that file. See docs/config.md.

`load()` is all the firmware needs. `check()`, `complete()` and `schema()` are pure functions; they
run under CPython too, where `make config` uses them. No function here prints anything, and no
problem's text contains a password or what stands in its place.
"""

import errno
import json
import os
from . import json_text

PATH = "/config.json"
MAX_BYTES = 4096  # of the file; a board's heap is small

# What a new board starts with, and all that most people need to edit.
TEMPLATE = {
    "wifi": {"ssid": "", "password": ""},
    "mqtt": {"platform": "mqtt", "server": "", "port": 0, "user": "", "password": ""},
    "mode": "lights",
}


def schema(values):
    """Return the kinds.Section of all keys, as the platform that `values` names needs them."""
    from . import rules

    mqtt = values.get("mqtt") if isinstance(values, dict) else None
    return rules.schema(mqtt.get("platform", "mqtt") if isinstance(mqtt, dict) else "mqtt")


def _inspect(values, section):
    # Return (problems, unknown keys), each one line; in pieces, a generator.
    problems = []
    unknown = []
    path = "" if isinstance(values, dict) else PATH
    yield from section.check_in_pieces(path, values, problems, unknown)
    return problems, unknown


def check(values):
    """Return the list of all problems of a configuration, one line each; empty if it is good."""
    return json_text.finish(check_in_pieces(values, schema(values)))


def check_in_pieces(values, section):
    """Do what `check` does in pieces of 30 ms at most on a board: a generator that returns the list.

    `section`: what `schema(values)` has returned; making it takes a board 15 ms.
    """
    problems, unknown = yield from _inspect(values, section)
    return unknown + problems


def complete(values, name, unique_id):
    """Return a checked configuration with every key set, and without keys that are not known.

    `{name}` and `{id}` in the host name, the client id and topics become the name that it gives,
    else the board's, `name`, and its unique id.
    """
    words = {"name": values.get("name") or name, "id": unique_id}
    return schema(values).complete(values, words)


def _read_json(path):
    # Return (what the file holds, problem or None).
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        return {}, "%s: larger than %d bytes" % (path, MAX_BYTES)
    try:
        text = data.decode()
    except UnicodeError:
        return {}, "%s: not UTF-8 text; save it as UTF-8 in the editor" % path
    if text[:1] == "\ufeff":  # some editors put a byte order mark first
        text = text[1:]
    error = json_text.find_error(text, unique=True)
    if error is not None:
        return {}, "%s: line %d, column %d: %s" % ((path,) + error)
    return json.loads(text), None


def read(path=PATH):
    """Return (values, problems) of a configuration file; values is {} if it cannot be used.

    A key that is not known makes no file useless: after a firmware has been replaced by an older
    one, the board must still find its network. It is one of the problems, and stays in the values.
    Raises OSError (ENOENT) if there is no such file. The file is never changed.
    """
    values, problem = _read_json(path)
    if problem is not None:
        return {}, [problem]
    problems, unknown = json_text.finish(_inspect(values, schema(values)))
    return {} if problems else values, unknown + problems


def read_good(path=PATH):
    """Return the values of a configuration file that are good each by itself, for a form to begin with.

    {} if none is. Raises OSError (ENOENT) if there is no such file.
    """
    values, _ = _read_json(path)
    return schema(values).good(values)


def save(values, path=PATH):
    """Write a configuration so that a power cut leaves the old file or the new one, whole.

    Raises ValueError with all problems if it is not good, and as `write` does.
    """
    problems = check(values)
    if problems:
        raise ValueError("\n".join(problems))
    write(values, path)


def write(values, path=PATH):
    """Write a configuration that `check` has found good, as `save` does.

    Raises ValueError if it is too large to be read again, OSError if it cannot be written, for
    instance because the filesystem is full. Blocks for the flash memory, usually below 0.1 s.
    """
    text = _format(values)
    if len(text.encode()) > MAX_BYTES:
        raise ValueError("%s: larger than %d bytes" % (path, MAX_BYTES))
    _replace(text, path)


def _format(values):
    # One line for each section, in the schema's order: for people to edit.
    lines = [
        "    %s: %s" % (json.dumps(key), json.dumps(values[key]))
        for key, _, _ in schema(values).rules
        if key in values
    ]
    return "{\n%s\n}\n" % ",\n".join(lines)


def _replace(text, path):
    # littlefs makes the new file whole at the flush and takes it over in one step at the rename.
    new = path + ".new"
    try:
        with open(new, "w") as file:
            file.write(text)
            file.flush()
        os.rename(new, path)
    except BaseException:  # Ctrl-C, too, leaves nothing behind
        try:
            os.remove(new)
        except OSError:
            pass
        raise


def load(name, unique_id, path=PATH):
    """Return (settings, problems): the completed configuration, {} if it cannot be used.

    `name` is the board's name and `unique_id` its hexadecimal id, for the defaults. Problems of a
    configuration that can be used are its unknown keys, which the settings leave out. A missing
    file is a problem too; a template is then written in its place. Raises nothing.
    """
    try:
        values, problems = read(path)
        return complete(values, name, unique_id) if values else {}, problems
    except OSError as error:
        if error.errno != errno.ENOENT:
            return {}, ["%s: cannot be read (error %d)" % (path, error.errno)]
    try:
        _replace(_format(TEMPLATE), path)
    except OSError as error:
        return {}, [
            "%s: is missing, and no template can be written (error %d)" % (path, error.errno)
        ]
    return {}, ["%s: was missing; a template is there now: fill it in and reset" % path]
