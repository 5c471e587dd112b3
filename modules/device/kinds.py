"""What a key of the configuration may hold, as objects that check it and say it in words.

Only loaded while a configuration is checked. Runs under CPython too, where `make config` and the
generator of docs/config.schema.json use it. No text made here contains a password, or what stands
in its place.
"""

import json

LOWER_CASE = "abcdefghijklmnopqrstuvwxyz0123456789"
LETTERS = LOWER_CASE + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# The longest that {name} and {id} can become: no text may grow out of its limits.
LONGEST_WORDS = {"name": "x" * 12, "id": "0" * 12}

# So many keys that are not known are told, with a guess each: that takes a board milliseconds.
_MAX_UNKNOWN = 8


def _expand(text, words):
    for word in words:
        text = text.replace("{%s}" % word, words[word])
    return text


def _are_printable(text):
    # Most texts are ASCII, of which the least and the greatest byte tell enough. Else each letter's
    # code is put together: as texts, MicroPython would keep all that are not ASCII, forever.
    data = text.encode("utf-8", "surrogatepass")  # half of a pair, which only a PC has
    if not data or (min(data) >= 32 and max(data) < 127):
        return True
    code = 32
    for byte in data:
        if byte & 0xC0 == 0x80:
            code = code << 6 | byte & 0x3F
        elif not (0xA0 <= code < 0xD800 or _is_printable(code)):
            return False
        elif byte < 0x80:
            code = byte
        else:
            code = byte & (0x1F if byte < 0xE0 else 0x0F if byte < 0xF0 else 0x07)
    return _is_printable(code)


def _is_printable(code):
    # Neither a control character, nor half of a surrogate pair, nor one of Unicode's
    # non-characters: MQTT takes none of them [MQTT-1.5.3-1] [MQTT-1.5.3-2].
    if code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000:
        return False
    return not (0xFDD0 <= code < 0xFDF0 or code & 0xFFFE == 0xFFFE)


def _describe(value, hidden):
    # Only what cannot hide a password is shown, and never much of it.
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if hidden and value != "":
        return "a value of the wrong form"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:40] + "..."


class Kind:
    """What a key may hold. `allowed` says it in words; `secret`: every value is hidden;
    `secret_if_wrong`: what may not stand there is hidden."""

    secret = secret_if_wrong = False

    def check(self, path, value, problems, unknown):
        """Add what is wrong with the value at `path` to `problems`, unknown keys to `unknown`."""
        if not self.accepts(value):
            problems.append(
                "%s: found %s; allowed: %s"
                % (path, _describe(value, self.secret or self.secret_if_wrong), self.allowed)
            )

    def hides(self, value):
        """Return whether no text may show this value: it might be a password, or hold one."""
        return self.secret or (self.secret_if_wrong and not self.accepts(value))

    def complete(self, value, words):
        """Return a value that was accepted with `words` filled in: {"name": ..., "id": ...}."""
        return value


class Text(Kind):
    """A text of `least` to `most` bytes of UTF-8, without control characters and `without`."""

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
            and len(value) <= self.most  # or looking at each letter would take long
            and _are_printable(value)
            and not any(letter in value for letter in self.without)
            and self.least <= len(value.encode()) <= self.most
        )


class WifiPassword(Text):
    """WPA's 8 to 63 characters, or "" for an open network."""

    def __init__(self):
        super().__init__(8, 63, secret=True)
        self.allowed += ', or "" for an open network'

    def accepts(self, value):
        return value == "" or super().accepts(value)


class Server(Text):
    """A broker's name or address. A whole address such as mqtt://user:password@broker:1883 would
    fail as an unknown name, forever; what is wrong is hidden, since it may hold the password.
    """

    secret_if_wrong = True

    def __init__(self, least):
        what = "a name or address alone, its port in mqtt.port, without spaces,"
        super().__init__(least, 253, what, ":/@,")

    def accepts(self, value):
        return super().accepts(value) and " " not in value


class Servers(Server):
    """A broker's name or address, or a list of those that are tried in turn."""

    most_servers = 8

    def __init__(self, least):
        super().__init__(least)
        self.allowed += ", or a list [...] of 1 to %d of them" % self.most_servers

    def accepts(self, value):
        accepts = super().accepts
        if not isinstance(value, list):
            return accepts(value)
        return 1 <= len(value) <= self.most_servers and all([accepts(each) for each in value])


class Name(Text):
    """A text in which {name} and {id} stand for the board's name and its unique id."""

    def accepts(self, value):
        # The words are longer than what stands for them.
        return (
            isinstance(value, str)
            and len(value) <= self.most
            and super().accepts(_expand(value, LONGEST_WORDS))
        )

    def complete(self, value, words):
        return _expand(value, words)


class BoardName(Text):
    """What {name} becomes: it may stand in a host name and in the key of an Adafruit feed."""

    letters = LOWER_CASE + "-"

    def accepts(self, value):
        return super().accepts(value) and not value.strip(self.letters)


class Label(Name):
    """A name made of few characters: a host name, the key of an Adafruit feed."""

    def __init__(self, least, most, what, letters):
        super().__init__(least, most, what)
        self.letters = letters

    def accepts(self, value):
        return super().accepts(value) and not _expand(value, LONGEST_WORDS).strip(self.letters)


class Topic(Name):
    """A topic name, or with `filter` a topic filter [MQTT-4.7.1-2] [MQTT-4.7.1-3]."""

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


def _covers(topic_filter, topic):
    # Whether a topic filter takes a topic [MQTT-4.7.1-2] [MQTT-4.7.1-3].
    if not isinstance(topic_filter, str):
        return False
    levels = topic.split("/")
    wanted = topic_filter.split("/")
    for i, level in enumerate(wanted):
        if level == "#":
            return True
        if i == len(levels) or level not in ("+", levels[i]):
            return False
    return len(wanted) == len(levels)


class Groups(Kind):
    """A list of groups' topics. Completed it has those of their commands."""

    COMMAND = "/command"
    most = 4
    allowed = 'a list of up to %d topic names without + #, such as ["class/7b"]' % most

    def __init__(self):
        self.topic = Topic(1)
        self.topic.most -= len(self.COMMAND)

    def accepts(self, value):
        return (
            isinstance(value, list)
            and len(value) <= self.most
            and all(self.topic.accepts(group) for group in value)
            and len(set(value)) == len(value)
        )

    def complete(self, value, words):
        return [self.topic.complete(group, words) + self.COMMAND for group in value]


class WithoutGroups(Groups):
    """For services that give each board topics of its own."""

    most = 0
    allowed = '[]; groups are only on a broker of your own, "platform": "mqtt"'


class Number(Kind):
    """A whole number from `least` to `most`."""

    def __init__(self, least, most):
        self.least = least
        self.most = most
        self.allowed = "a whole number from %d to %d" % (least, most)

    def accepts(self, value):
        return type(value) is int and self.least <= value <= self.most


class Choice(Kind):
    """One of `choices`."""

    def __init__(self, *choices):
        self.choices = choices
        self.allowed = " or ".join(json.dumps(choice) for choice in choices)

    def accepts(self, value):
        # 1 == True in Python, but not in a configuration.
        return any(value == choice and type(value) is type(choice) for choice in self.choices)


class OnenetKey(Kind):
    """A key in base64, from which the board makes its token, or a token made elsewhere."""

    secret = True
    allowed = "the device's key in base64, or a token that begins with version="

    def accepts(self, value):
        if not isinstance(value, str) or not 4 <= len(value) <= 1024:
            return False
        if value.startswith("version="):
            data = value.encode("utf-8", "surrogatepass")
            return min(data) > 32 and max(data) < 127
        digits = value.rstrip("=")
        return (
            len(value) % 4 == 0
            and len(value) - len(digits) <= 2
            and not digits.strip(LETTERS + "+/")
        )


class Section(Kind):
    """An object. `rules` is the list of its (key, kind, default); a default of None: required."""

    secret = True  # what stands in its place might be the password alone
    allowed = "an object {...}"

    def __init__(self):
        self.rules = []

    def kind(self, key):
        """Return what `key` may hold; None if it is not known here."""
        for known, kind, _ in self.rules:
            if known == key:
                return kind

    def accepts(self, value):
        return isinstance(value, dict)

    def check_in_pieces(self, path, value, problems, unknown):
        """Do what `check` does, for each of an object's keys; a generator that pauses between them."""
        if not isinstance(value, dict):
            self.check(path, value, problems, unknown)
            return
        dot = path + "." if path else ""
        for key in value:
            if len(unknown) < _MAX_UNKNOWN and self.kind(key) is None:
                unknown.append(_unknown(dot, key, [rule[0] for rule in self.rules]))
                yield
        for key, kind, default in self.rules:
            if key not in value and default is None:
                problems.append("%s: missing; give %s" % (dot + key, kind.allowed))
            elif key in value or default == {}:
                found = value.get(key, default)
                if isinstance(kind, Section):
                    yield from kind.check_in_pieces(dot + key, found, problems, unknown)
                else:
                    kind.check(dot + key, found, problems, unknown)
                    yield

    def good(self, value):
        """Return what is good of an object that may have problems."""
        found = {}
        for key, kind, _ in self.rules if isinstance(value, dict) else ():
            if key not in value:
                continue
            if isinstance(kind, Section) and isinstance(value[key], (dict, list)):
                found[key] = kind.good(value[key])
            elif kind.accepts(value[key]):
                found[key] = value[key]
        return found

    def complete(self, value, words):
        return {
            key: kind.complete(value.get(key, default), words) for key, kind, default in self.rules
        }


class Networks(Section):
    """A Wi-Fi network, or a list of those that the board may join; completed it is a list."""

    most = 8
    allowed = "an object {...}, or a list [...] of 1 to %d of them" % most

    def check_in_pieces(self, path, value, problems, unknown):
        whole = super().check_in_pieces
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            yield from whole(path, value, problems, unknown)
            return
        for index, network in enumerate(value):
            yield from whole("%s[%d]" % (path, index), network, problems, unknown)

    def good(self, value):
        if isinstance(value, list):
            return [super(Networks, self).good(network) for network in value[: self.most]]
        return super().good(value)

    def complete(self, value, words):
        networks = value if isinstance(value, list) else [value]
        return [super(Networks, self).complete(network, words) for network in networks]


class Switch(Section):
    """Whether something is used, or an object that says how."""

    secret = False

    def __init__(self, allowed):
        super().__init__()
        self.allowed = allowed

    def accepts(self, value):
        return type(value) is bool or isinstance(value, dict)

    def complete(self, value, words):
        return super().complete(value, words) if isinstance(value, dict) else value


class HomeAssistant(Switch):
    """Whether Home Assistant is told of the board, and how; "" if nothing was said of it."""

    def complete(self, value, words):
        return super().complete({} if value is True else value, words)


class WithoutHomeAssistant(Choice):
    """For services in a cloud, where no Home Assistant is."""

    def __init__(self):
        super().__init__(False)
        self.allowed += (
            '; Home Assistant finds boards only on a broker of your own, "platform": "mqtt"'
        )


class Whole(Section):
    """The whole configuration: what Home Assistant and groups need must be there."""

    def check_in_pieces(self, path, value, problems, unknown):
        yield from super().check_in_pieces(path, value, problems, unknown)
        if not isinstance(value, dict):
            return
        topics = value.get("topics")
        if value.get("mode") == "echo" and isinstance(topics, dict) and topics.get("groups"):
            problems.append('topics.groups: there is no lamp to switch in the mode "echo"')
        if value.get("homeassistant") in (None, False):
            return
        command = topics.get("command", "") if isinstance(topics, dict) else ""
        if value.get("mode") == "echo":
            problems.append('homeassistant: there is no lamp to switch in the mode "echo"')
        if isinstance(command, str) and ("+" in command or "#" in command):
            problems.append(
                "homeassistant: nobody can publish to a topics.command with + or #; give it a "
                "topic of its own, or none for the default"
            )
        for key in ("state", "status", "button"):
            if isinstance(topics, dict) and topics.get(key) == "":
                problems.append("homeassistant: needs topics.%s; give one, or leave it out" % key)


class Broker(Section):
    """The broker and who the board is there."""

    def check_in_pieces(self, path, value, problems, unknown):
        yield from super().check_in_pieces(path, value, problems, unknown)
        if not isinstance(value, dict) or not self.kind("user").accepts(""):
            return  # a user is asked for anyway
        password = value.get("password", "")
        is_given = password != "" and self.kind("password").accepts(password)
        if is_given and not value.get("user"):  # [MQTT-3.1.2-22]
            problems.append(
                "mqtt.password: there is no user for it; give mqtt.user, or no password"
            )


class Topics(Section):
    """The topics: the board must not hear itself, nor anything twice, on those that it obeys."""

    def check_in_pieces(self, path, value, problems, unknown):
        yield from super().check_in_pieces(path, value, problems, unknown)
        command = value.get("command") if isinstance(value, dict) else None
        for key in ("state", "status"):
            if command and value.get(key) == command:
                problems.append(
                    "topics.%s: the same as topics.command, so the board would hear itself; "
                    "give it a topic of its own" % key
                )
        if (
            isinstance(value, dict)
            and value.get("state")
            and value["state"] == value.get("status")
        ):
            problems.append(
                "topics.status: the same as topics.state, so each would replace the other; give it "
                "a topic of its own"
            )
        if isinstance(value, dict) and self.kind("groups").accepts(value.get("groups")):
            yield from self._check_groups(value, problems)

    def _check_groups(self, value, problems):
        topics = {key: value.get(key, default) for key, _, default in self.rules}
        for group in topics.pop("groups"):
            yield
            topic = group + Groups.COMMAND
            for key in topics:
                # Of these topics, one alone may have wildcards.
                if topics[key] == topic or (key == "command" and _covers(topics[key], topic)):
                    problems.append(
                        "topics.groups: %s is taken by topics.%s; give the group another topic"
                        % (json.dumps(topic), key)
                    )


def _distance(a, b, most):
    # How many letters differ, are missing or are too many between two words (Levenshtein), as numbers;
    # most + 1 if it is more.
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a):
        above_left = row[0]
        row[0] = i + 1
        for j, other in enumerate(b):
            above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, above_left + (letter != other))
            above_left = above
        if min(row) > most:
            return most + 1
    return row[-1]


def _unknown(dot, key, known):
    shown = json.dumps(key)[1:-1]
    shown = dot + (shown if len(shown) <= 40 else shown[:40] + "...")
    # Up to three wrong letters, and fewer than half of them: "led" is not meant to be "mode".
    most = min(3, (len(key) - 1) // 2)
    # One byte of each letter: the known keys are ASCII.
    letters = [byte for byte in key.encode("utf-8", "surrogatepass") if byte & 0xC0 != 0x80]
    near = [
        (_distance(letters, word.encode(), most), word)
        for word in known
        if abs(len(word) - len(letters)) <= most
    ]
    if near and min(near)[0] <= most:
        return '%s: unknown key; did you mean "%s"?' % (shown, min(near)[1])
    return "%s: unknown key; remove it (known here: %s)" % (shown, ", ".join(known))
