"""`/config.json`: read, check, complete, save. The only reader of that file.

`load()` is all the firmware needs. `check()` and `complete()` are pure functions; they run under
CPython too, where `make config` uses them. No function here prints anything, and no problem's
text contains the value of a password.
"""

import json
import os

PATH = "/config.json"

MODES = ("lights", "echo")
PLATFORMS = ("mqtt",)

# What a new board starts with, and all that most people need to edit.
TEMPLATE = {
    "wifi": {"ssid": "", "password": ""},
    "mqtt": {"server": "", "port": 1883, "user": "", "password": ""},
    "mode": "lights",
}


class _Text:
    def __init__(self, least, most, secret=False):
        self.least = least
        self.most = most
        self.secret = secret
        self.allowed = "text of %d to %d bytes" % (least, most)

    def accepts(self, value):
        return isinstance(value, str) and self.least <= len(value.encode()) <= self.most


class _WifiPassword(_Text):
    def __init__(self):
        super().__init__(8, 63, True)
        self.allowed = 'text of 8 to 63 characters, or "" for an open network'

    def accepts(self, value):
        return value == "" or super().accepts(value)


class _Number:
    secret = False

    def __init__(self, least, most):
        self.least = least
        self.most = most
        self.allowed = "a whole number from %d to %d" % (least, most)

    def accepts(self, value):
        return type(value) is int and self.least <= value <= self.most


class _Choice:
    secret = False

    def __init__(self, *choices):
        self.choices = choices
        self.allowed = " or ".join(json.dumps(choice) for choice in choices)

    def accepts(self, value):
        # 1 == True in Python, but not in a configuration.
        return any(value == choice and type(value) is type(choice) for choice in self.choices)


class _Tls:
    secret = False
    allowed = 'false, true, or {"ca": "/ca.der", "verify": true}'

    def accepts(self, value):
        if type(value) is bool:
            return True
        return (
            isinstance(value, dict)
            and isinstance(value.get("ca"), str)
            and type(value.get("verify", True)) is bool
            and all(key in ("ca", "verify") for key in value)
        )


def _schema():
    # Built when asked for: most of a board's life nobody checks a configuration. Each entry is
    # the kind of value and the default; None as default means that the key must be given.
    topic = _Text(1, 200)
    return {
        "wifi": {
            "ssid": (_Text(1, 32), None),
            "password": (_WifiPassword(), ""),
            "hostname": (_Text(1, 32), "{name}-{id}"),
            "timeout": (_Number(1, 600), 30),
        },
        "mqtt": {
            "platform": (_Choice(*PLATFORMS), "mqtt"),
            "server": (_Text(1, 253), None),
            "port": (_Number(0, 65535), 0),
            "user": (_Text(0, 256), ""),
            "password": (_Text(0, 1024, True), ""),
            "client_id": (_Text(1, 128), "{name}-{id}"),
            "keepalive": (_Number(0, 65535), 30),
            "clean_session": (_Choice(True, False), True),
            "tls": (_Tls(), False),
        },
        "topics": {
            "command": (topic, "{name}/{id}/command"),
            "state": (topic, "{name}/{id}/state"),
            "status": (topic, "{name}/{id}/status"),
        },
        "mode": (_Choice(*MODES), "lights"),
        "brightness": (_Number(1, 100), 0),
    }


def _distance(a, b):
    """Return how many letters differ, are missing or are too many between two words."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a):
        above_left = row[0]
        row[0] = i + 1
        for j, other in enumerate(b):
            above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, above_left + (letter != other))
            above_left = above
    return row[-1]


def _unknown(path, key, known):
    nearest = min(known, key=lambda word: (_distance(key, word), word))
    hint = 'did you mean "%s"?' % nearest if _distance(key, nearest) <= 3 else "remove it"
    return "%s: unknown key; %s" % (path + key, hint)


def _check_section(values, schema, path, problems):
    if not isinstance(values, dict):
        problems.append(
            "%s: found %s; allowed: an object {...}" % (path[:-1] or PATH, json.dumps(values))
        )
        return
    for key in values:
        if key not in schema:
            problems.append(_unknown(path, key, sorted(schema)))
    for key in schema:
        rule = schema[key]
        if isinstance(rule, dict):
            _check_section(values.get(key, {}), rule, path + key + ".", problems)
            continue
        kind, default = rule
        if key not in values:
            if default is None:
                problems.append("%s: missing; give %s" % (path + key, kind.allowed))
        elif not kind.accepts(values[key]):
            found = "a value of the wrong form" if kind.secret else json.dumps(values[key])
            problems.append("%s: found %s; allowed: %s" % (path + key, found, kind.allowed))


def check(values):
    """Return the list of all problems of a configuration, one sentence each; empty if it is good."""
    problems = []
    _check_section(values, _schema(), "", problems)
    return problems


def _complete_section(values, schema, name, unique_id):
    completed = {}
    for key in schema:
        rule = schema[key]
        if isinstance(rule, dict):
            completed[key] = _complete_section(values.get(key, {}), rule, name, unique_id)
            continue
        value = values.get(key, rule[1])
        if isinstance(value, str):
            value = value.replace("{name}", name).replace("{id}", unique_id)
        completed[key] = value
    return completed


def complete(values, name, unique_id):
    """Return a checked configuration with every key set.

    `{name}` and `{id}` in a text stand for the board's name and its unique id.
    """
    return _complete_section(values, _schema(), name, unique_id)


def find_error(text):
    """Return (line, column, what) of the first JSON syntax error in a text, counted from 1.

    None if there is none. MicroPython's json module gives no position, and accepts a text that
    ends too early.
    """
    end = _Scanner(text).scan()
    if end is None:
        return None
    position, what = end
    line = text.count("\n", 0, position) + 1
    return line, position - text.rfind("\n", 0, position), what


class _Scanner:
    # A JSON reader that keeps nothing but its position, and needs no recursion: `open` holds
    # the closing bracket of each object or array around the present place.

    def __init__(self, text):
        self.text = text
        self.at = 0

    def _peek(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1
        return self.text[self.at] if self.at < len(self.text) else ""

    def _string(self):
        """Pass a string; return what is wrong with it, or None."""
        self.at += 1
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == '"':
                self.at += 1
                return None
            if letter < " ":
                return 'a text that is not closed with "'
            self.at += 2 if letter == "\\" else 1
        self.at = len(self.text)
        return 'a text that is not closed with "'

    def _scalar(self):
        if self._peek() == '"':
            return self._string()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in ' \t\r\n,:]}[{"':
            self.at += 1
        try:
            json.loads(self.text[start : self.at])
        except ValueError:
            self.at = start
            return "a value was expected here" + self._quote_hint()
        return None

    def _quote_hint(self):
        return ' (texts need "..." around them)' if self._peek().isalpha() else ""

    def _key(self):
        if self._peek() != '"':
            return 'a key in "..." was expected here'
        wrong = self._string()
        if wrong is None:
            if self._peek() != ":":
                return "a colon was expected here"
            self.at += 1
        return wrong

    def scan(self):
        open_brackets = []
        wanted = "value"
        while True:
            letter = self._peek()
            wrong = None
            if wanted == "separator":
                if not open_brackets:
                    return (self.at, "nothing more was expected here") if letter else None
                if letter == open_brackets[-1]:
                    self.at += 1
                    open_brackets.pop()
                elif letter == ",":
                    self.at += 1
                    wanted = "key" if open_brackets[-1] == "}" else "value"
                else:
                    wrong = "a comma or %s was expected here" % open_brackets[-1]
            elif wanted == "key":
                wrong = self._key()
                wanted = "value"
            elif letter in ("{", "["):
                self.at += 1
                open_brackets.append("}" if letter == "{" else "]")
                if self._peek() == open_brackets[-1]:
                    wanted = "separator"
                elif letter == "{":
                    wanted = "key"
            else:
                wrong = self._scalar()
                wanted = "separator"
            if wrong is not None:
                return self.at, wrong


def read(path=PATH):
    """Return (values, problems) of a configuration file; one of the two is empty.

    Raises OSError (ENOENT) if there is no such file. The file is never changed.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode()
    except UnicodeError:
        return {}, ["%s: not UTF-8 text; save it as UTF-8 in the editor" % path]
    if text[:1] == "\ufeff":  # some editors put a byte order mark first
        text = text[1:]
    error = find_error(text)
    if error is not None:
        return {}, ["%s: line %d, column %d: %s" % ((path,) + error)]
    values = json.loads(text)
    problems = check(values)
    return ({}, problems) if problems else (values, [])


def save(values, path=PATH):
    """Write a configuration so that a power cut leaves the old file or the new one, whole.

    Raises ValueError with all problems if it is not good, OSError if the filesystem is full.
    """
    problems = check(values)
    if problems:
        raise ValueError("\n".join(problems))
    write(values, path)


def write(values, path=PATH):
    """Write without checking: for the template, which is not complete yet."""
    new = path + ".new"
    try:
        with open(new, "w") as file:
            json.dump(values, file)
            file.flush()
        os.sync()
        os.rename(new, path)
    except OSError:
        try:
            os.remove(new)
        except OSError:
            pass
        raise


def load(name, unique_id, path=PATH):
    """Return (settings, problems): the checked and completed configuration, or what is wrong.

    `name` is the board's name and `unique_id` its hexadecimal id, for the defaults. A missing
    file is a problem too; a template is then written in its place.
    """
    try:
        values, problems = read(path)
    except OSError:
        write(TEMPLATE, path)
        return {}, ["%s: was missing; a template is there now: fill it in and reset" % path]
    return ({}, problems) if problems else (complete(values, name, unique_id), [])
