"""`/config.json`: read, check, complete, save. The only reader of that file. See docs/config.md.

`load()` is all the firmware needs. `check()`, `complete()` and `find_error()` are pure functions;
they run under CPython too, where `make config` uses them. No function here prints anything, and no
problem's text contains a password or what stands in its place.
"""

import errno
import json
import os

PATH = "/config.json"
MOST_BYTES = 4096  # of the file; a board's heap is small

MODES = ("lights", "echo")
PLATFORMS = ("mqtt", "easyiot", "onenet", "onenet-legacy", "adafruit")

# What a new board starts with, and all that most people need to edit.
TEMPLATE = {
    "wifi": {"ssid": "", "password": ""},
    "mqtt": {"platform": "mqtt", "server": "", "port": 0, "user": "", "password": ""},
    "mode": "lights",
}

_DIGITS = "0123456789"
_SMALL = "abcdefghijklmnopqrstuvwxyz" + _DIGITS
_LETTERS = _SMALL + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# The longest that {name} and {id} can become: no text may grow out of its limits.
_LONGEST = {"name": "x" * 12, "id": "0" * 12}


def _expand(text, words):
    for word in words:
        text = text.replace("{%s}" % word, words[word])
    return text


def _is_printable(letter):
    # Neither a control character, nor half of a surrogate pair, nor one of Unicode's
    # non-characters: MQTT takes none of them [MQTT-1.5.3-1] [MQTT-1.5.3-2].
    code = ord(letter)
    if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000:
        return False
    return not (0xFDD0 <= code < 0xFDF0 or code & 0xFFFE == 0xFFFE)


class _Kind:
    # What a key may hold. `allowed` says it in words; `secret` keeps what was found out of texts.
    secret = False

    def check(self, path, value, problems):
        if not self.accepts(value):
            problems.append(
                "%s: found %s; allowed: %s" % (path, _describe(value, self.secret), self.allowed)
            )

    def complete(self, value, words):
        return value


def _describe(value, secret):
    # Only what cannot hide a password is shown, and never much of it.
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if secret:
        return "a value of the wrong form"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:40] + "..."


class _Text(_Kind):
    def __init__(self, least, most, what="printable text", without="", secret=False):
        self.least = least
        self.most = most
        self.without = without
        self.secret = secret
        self.allowed = "%s of %d to %d bytes" % (what, least, most)
        if without:
            self.allowed += " without " + " ".join(without)

    def accepts(self, value):
        return (
            isinstance(value, str)
            and all(_is_printable(letter) for letter in value)
            and not any(letter in value for letter in self.without)
            and self.least <= len(value.encode()) <= self.most
        )


class _WifiPassword(_Text):
    def __init__(self):
        super().__init__(8, 63, secret=True)
        self.allowed += ', or "" for an open network'

    def accepts(self, value):
        return value == "" or super().accepts(value)


class _Server(_Text):
    # A whole address such as mqtt://user:password@broker:1883 would fail as an unknown name, for
    # ever. It is not shown, since it may hold the password.
    def __init__(self, least):
        super().__init__(
            least, 253, "a name or address alone, its port in mqtt.port,", ":/@", True
        )


class _Name(_Text):
    # A text in which {name} and {id} stand for the board's name and its unique id.

    def accepts(self, value):
        return isinstance(value, str) and super().accepts(_expand(value, _LONGEST))

    def complete(self, value, words):
        return _expand(value, words)


class _Label(_Name):
    # A name made of few characters: a host name, an Adafruit feed's key.

    def __init__(self, least, most, what, letters):
        super().__init__(least, most, what)
        self.letters = letters

    def accepts(self, value):
        return super().accepts(value) and all(
            letter in self.letters for letter in _expand(value, _LONGEST)
        )


class _Topic(_Name):
    def __init__(self, least, filter=False):
        super().__init__(least, 200, "topic filter" if filter else "topic name")
        self.filter = filter
        if filter:
            self.allowed += ", + and # alone between slashes, # last"
        else:
            self.allowed += " without + #"
        if not least:
            self.allowed += ' ("": none)'

    def accepts(self, value):
        if not super().accepts(value):
            return False
        levels = value.split("/")
        if not self.filter:
            return "+" not in value and "#" not in value
        return "#" not in levels[:-1] and all(
            level in ("+", "#") or not ("+" in level or "#" in level) for level in levels
        )


class _Number(_Kind):
    def __init__(self, least, most):
        self.least = least
        self.most = most
        self.allowed = "a whole number from %d to %d" % (least, most)

    def accepts(self, value):
        return type(value) is int and self.least <= value <= self.most


class _Choice(_Kind):
    def __init__(self, *choices):
        self.choices = choices
        self.allowed = " or ".join(json.dumps(choice) for choice in choices)

    def accepts(self, value):
        # 1 == True in Python, but not in a configuration.
        return any(value == choice and type(value) is type(choice) for choice in self.choices)


class _OnenetKey(_Kind):
    secret = True
    allowed = "the device's key in base64, or a token that begins with version="

    def accepts(self, value):
        if not isinstance(value, str) or not 4 <= len(value) <= 1024:
            return False
        if value.startswith("version="):
            return all(" " < letter < "\x7f" for letter in value)
        digits = value.rstrip("=")
        return (
            len(value) % 4 == 0
            and len(value) - len(digits) <= 2
            and all(letter in _LETTERS + "+/" for letter in digits)
        )


class _Section(_Kind):
    # An object; `rules` are (key, kind, default), None as default if the key must be given.
    secret = True  # what stands in its place might be the password alone
    allowed = "an object {...}"

    def __init__(self, *rules):
        self.rules = rules

    def accepts(self, value):
        return isinstance(value, dict)

    def check(self, path, value, problems):
        if not self.accepts(value):
            super().check(path or PATH, value, problems)
            return
        known = [rule[0] for rule in self.rules]
        dot = path + "." if path else ""
        for key in value:
            if key not in known:
                problems.append(_unknown(dot, key, known))
        for key, kind, default in self.rules:
            if key in value:
                kind.check(dot + key, value[key], problems)
            elif isinstance(kind, _Section):
                kind.check(dot + key, {}, problems)
            elif default is None:
                problems.append("%s: missing; give %s" % (dot + key, kind.allowed))

    def complete(self, value, words):
        return {
            key: kind.complete(value.get(key, default), words) for key, kind, default in self.rules
        }


class _Tls(_Kind):
    allowed = 'false, true, or {"ca": "/ca.pem", "verify": true}'
    rules = _Section(
        ("ca", _Text(1, 128, "a certificate file's path,"), None),
        ("verify", _Choice(True, False), True),
    )

    def accepts(self, value):
        return type(value) is bool

    def check(self, path, value, problems):
        if isinstance(value, dict):
            self.rules.check(path, value, problems)
        else:
            super().check(path, value, problems)

    def complete(self, value, words):
        return self.rules.complete(value, words) if isinstance(value, dict) else value


class _Topics(_Section):
    def check(self, path, value, problems):
        super().check(path, value, problems)
        command = value.get("command") if isinstance(value, dict) else None
        for key in ("state", "status"):
            if command and value.get(key) == command:
                problems.append(
                    "topics.%s: the same as topics.command, so the board would hear itself; "
                    "give it a topic of its own" % key
                )


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


def _unknown(dot, key, known):
    shown = json.dumps(key)[1:-1]
    shown = dot + (shown if len(shown) <= 40 else shown[:40] + "...")
    nearest = min(known, key=lambda word: (_distance(key[:40], word), word))
    if _distance(key[:40], nearest) <= 3:
        return '%s: unknown key; did you mean "%s"?' % (shown, nearest)
    return "%s: unknown key; remove it (known here: %s)" % (shown, ", ".join(known))


def _platform_rules(platform):
    # Where a platform differs from a plain broker: key -> (kind, default).
    if platform == "mqtt":
        return {"mqtt.server": (_Server(1), None)}
    if platform == "easyiot":
        return {
            "mqtt.user": (_Text(1, 256, "the Iot_id,"), None),
            "mqtt.password": (_Text(1, 1024, "the Iot_pwd,", secret=True), None),
            "topics.command": (_Topic(1), None),  # the platform makes the topics
            "topics.state": (_Topic(0), ""),
            "topics.status": (_Topic(0), ""),
        }
    if platform == "adafruit":
        feed = "a feed's key: small letters, digits, - and .,"
        return {
            "mqtt.user": (_Text(1, 128, "the Adafruit IO user name,", "/+#"), None),
            "mqtt.password": (_Text(1, 1024, "the Adafruit IO key,", secret=True), None),
            "topics.command": (_Label(1, 128, feed, _SMALL + "-."), "{name}-{id}-command"),
            "topics.state": (_Label(0, 128, feed, _SMALL + "-."), "{name}-{id}-state"),
            "topics.status": (_Label(0, 128, feed, _SMALL + "-."), ""),
        }
    if platform not in PLATFORMS:
        return {}
    # OneNET names its topics itself, and takes nothing back on the one that commands come from.
    rules = {
        "mode": (_Choice("lights"), "lights"),
        "topics.command": (_Choice(""), ""),
        "topics.state": (_Choice(""), ""),
        "topics.status": (_Choice(""), ""),
        "mqtt.user": (_Text(1, 64, "the product's id,", "/+#"), None),
    }
    if platform == "onenet":
        rules["mqtt.client_id"] = (_Text(1, 64, "the device's name,", "/+#"), None)
        rules["mqtt.password"] = (_OnenetKey(), None)
        rules["mqtt.keepalive"] = (_Number(10, 1800), 30)
    else:
        rules["mqtt.client_id"] = (_Text(1, 64, "the device's id,"), None)
        rules["mqtt.password"] = (
            _Text(1, 1024, "the device's authentication information,", secret=True),
            None,
        )
        rules["mqtt.tls"] = (_Choice(False), False)
    return rules


def _schema(values):
    # Made when asked for: most of a board's life nobody checks a configuration.
    mqtt = values.get("mqtt") if isinstance(values, dict) else None
    platform = mqtt.get("platform", "mqtt") if isinstance(mqtt, dict) else "mqtt"
    own = _platform_rules(platform)

    def rule(path, kind, default):
        return (path[path.find(".") + 1 :],) + own.get(path, (kind, default))

    return _Section(
        (
            "wifi",
            _Section(
                ("ssid", _Text(1, 32), None),
                ("password", _WifiPassword(), ""),
                (
                    "hostname",
                    _Label(1, 32, "letters, digits and -,", _LETTERS + "-"),
                    "{name}-{id}",
                ),
                ("timeout", _Number(1, 600), 30),
            ),
            {},
        ),
        (
            "mqtt",
            _Section(
                ("platform", _Choice(*PLATFORMS), "mqtt"),
                rule("mqtt.server", _Server(0), ""),
                ("port", _Number(0, 65535), 0),
                rule("mqtt.user", _Text(0, 256), ""),
                rule("mqtt.password", _Text(0, 1024, secret=True), ""),
                rule("mqtt.client_id", _Name(1, 128), "{name}-{id}"),
                rule("mqtt.keepalive", _Number(0, 65535), 30),
                ("clean_session", _Choice(True, False), True),
                rule("mqtt.tls", _Tls(), False),
                ("rate", _Number(0, 600), 0),
            ),
            {},
        ),
        (
            "topics",
            _Topics(
                rule("topics.command", _Topic(1, filter=True), "{name}/{id}/command"),
                rule("topics.state", _Topic(0), "{name}/{id}/state"),
                rule("topics.status", _Topic(0), "{name}/{id}/status"),
            ),
            {},
        ),
        rule("mode", _Choice(*MODES), "lights"),
        ("brightness", _Number(1, 100), 0),
    )


def check(values):
    """Return the list of all problems of a configuration, one line each; empty if it is good."""
    problems = []
    _schema(values).check("", values, problems)
    return problems


def complete(values, name, unique_id):
    """Return a checked configuration with every key set.

    `{name}` and `{id}` in the host name, the client id and topics become the board's name and
    its unique id.
    """
    return _schema(values).complete(values, {"name": name, "id": unique_id})


def find_error(text):
    """Return (line, column, what) of the first JSON syntax error in a text, counted from 1.

    None if there is none. MicroPython's json module gives no position, accepts a text that ends
    too early, and reads some escapes wrongly.
    """
    end = _Scanner(text).scan()
    if end is None:
        return None
    position, what = end
    line = text.count("\n", 0, position) + 1
    return line, position - text.rfind("\n", 0, position), what


def _is_number(text):
    # -0.5e+3: no sign but -, no zero in front, digits on both sides of the point.
    if text[:1] == "-":
        text = text[1:]
    mantissa, e, exponent = text.replace("E", "e").partition("e")
    whole, point, decimals = mantissa.partition(".")
    if exponent[:1] in ("+", "-"):
        exponent = exponent[1:]
    for digits, there in ((whole, True), (decimals, point), (exponent, e)):
        if there and not (digits and all(digit in _DIGITS for digit in digits)):
            return False
    return whole == "0" or whole[0] != "0"


class _Scanner:
    # A JSON reader that keeps nothing but its position, and needs no recursion: `open_brackets`
    # holds the closing bracket of each object or array around the present place.

    def __init__(self, text):
        self.text = text
        self.at = 0

    def _peek(self):
        while self.text[self.at : self.at + 1] in (" ", "\t", "\r", "\n"):
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _string(self):
        """Pass a string; return what is wrong with it, or None."""
        self.at += 1
        while True:
            letter = self.text[self.at : self.at + 1]
            if letter in ("", "\n", "\r"):
                return 'a text that is not closed with "'
            if letter < " ":
                return "a control character inside a text, perhaps a tab"
            if letter == "\\":
                wrong = self._escape()
                if wrong is not None:
                    return wrong
            else:
                self.at += 1
                if letter == '"':
                    return None

    def _escape(self):
        """Pass a backslash and what belongs to it; return what is wrong with it, or None."""
        letter = self.text[self.at + 1 : self.at + 2]
        if letter == "u":
            code = self.text[self.at + 2 : self.at + 6]
            if len(code) < 4 or not all(digit in "0123456789abcdefABCDEF" for digit in code):
                return "four hexadecimal digits were expected after \\u"
            if 0xD800 <= int(code, 16) < 0xE000:  # MicroPython does not join the two halves
                return "an escape that the board cannot read; write the character itself"
            self.at += 6
        elif letter and letter in '"\\/bfnrt':
            self.at += 2
        else:
            return 'a backslash must be doubled, or be one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u'
        return None

    def _scalar(self):
        if self._peek() == '"':
            return self._string()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in ' \t\r\n,:]}[{"':
            self.at += 1
        word = self.text[start : self.at]
        if word in ("true", "false", "null") or _is_number(word):
            return None
        self.at = start
        hint = ""
        if word and (word[0].isalpha() or ord(word[0]) > 127):
            hint = ' (texts need straight "..." around them)'
        return "a value was expected here" + hint

    def _key(self):
        if self._peek() != '"':
            return 'a key in straight "..." was expected here'
        wrong = self._string()
        if wrong is None:
            if self._peek() != ":":
                return "a colon was expected here"
            self.at += 1
        return wrong

    def scan(self):
        """Return (position, what) of the first error, or None."""
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
            elif letter == "{" or letter == "[":
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
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        return {}, ["%s: larger than %d bytes" % (path, MOST_BYTES)]
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

    Raises ValueError with all problems if it is not good, OSError if it cannot be written, for
    instance because the filesystem is full. Blocks for the flash memory, usually below 0.1 s.
    """
    problems = check(values)
    if problems:
        raise ValueError("\n".join(problems))
    _replace(_format(values), path)


def _format(values):
    # One line for each section, in the schema's order: for people to edit.
    lines = [
        "    %s: %s" % (json.dumps(key), json.dumps(values[key]))
        for key, _, _ in _schema(values).rules
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
    """Return (settings, problems): the checked and completed configuration, or what is wrong.

    `name` is the board's name and `unique_id` its hexadecimal id, for the defaults. A missing
    file is a problem too; a template is then written in its place. Raises nothing.
    """
    try:
        values, problems = read(path)
        return ({}, problems) if problems else (complete(values, name, unique_id), [])
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
