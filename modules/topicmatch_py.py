"""MQTT topic filters in pure Python, for MicroPython and CPython.

The twin of the C module `_topicmatch`: same names, results and errors. Use it through
`topicmatch`, which takes the C module where there is one.

Filters and topics are str, bytes, bytearray or memoryview; anything else is a TypeError. Text
with the same UTF-8 bytes is the same filter or topic. A str is checked like bytes, for
MicroPython's str is no proof of well-formed UTF-8.

An incorrect filter or topic is a ValueError, never a mismatch. Of several faults the first in
this list is named: "empty" [MQTT-4.7.3-1], "too long" (above 65,535 bytes) [MQTT-4.7.3-3],
"NUL" [MQTT-1.5.4-2], "utf8" [MQTT-1.5.4-1], "wildcard" [MQTT-4.7.0-1, 4.7.1-1, 4.7.1-2], "share"
[MQTT-4.8.2-1, 4.8.2-2]. Where there are a filter and a topic, the filter is judged first, and
the message begins with "filter: " or "topic: ".

A parameter whose name begins with "_" is given by its place, never by its name, as in C;
MicroPython has no "/" for that.
"""

_MAX_LENGTH = 65535
_SHARE = b"$share/"

_DOLLAR = 0x24
_PLUS = 0x2B
_SLASH = 0x2F
_HASH = 0x23


def _to_bytes(text):
    # A subclass may compare and hash as it likes, so its bytes are copied.
    if type(text) is bytes:
        return text
    if isinstance(text, str):
        # Without it CPython refuses to encode surrogates, which are "utf8" below.
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    raise TypeError("str or bytes-like needed")


def _is_utf8(text, strict):
    """True if `text` is UTF-8 by RFC 3629, and if strict has no discouraged character."""
    i = 0
    end = len(text)
    while i < end:
        code = text[i]
        i += 1
        if code >= 0x80:
            if 0xC2 <= code < 0xE0:
                following, lowest = 1, 0x80
                code &= 0x1F
            elif 0xE0 <= code < 0xF0:
                following, lowest = 2, 0x800
                code &= 0x0F
            elif 0xF0 <= code < 0xF5:
                following, lowest = 3, 0x10000
                code &= 0x07
            else:
                return False
            if i + following > end:
                return False
            for i in range(i, i + following):
                if text[i] & 0xC0 != 0x80:
                    return False
                code = code << 6 | text[i] & 0x3F
            i += 1
            if code < lowest or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                return False
        if strict and (
            code < 0x20
            or 0x7F <= code < 0xA0
            or 0xFDD0 <= code <= 0xFDEF
            or code & 0xFFFE == 0xFFFE
        ):
            return False
    return True


def _text_fault(text, strict):
    if not text:
        return "empty"
    if len(text) > _MAX_LENGTH:
        return "too long"
    if b"\0" in text:
        return "NUL"
    # max() finds ASCII, which is most text, without a loop in Python.
    if (strict or max(text) >= 0x80) and not _is_utf8(text, strict):
        return "utf8"
    return None


def _filter_fault(text, shared, strict):
    fault = _text_fault(text, strict)
    if fault:
        return fault
    last = len(text) - 1
    at = text.find(b"#")
    if at >= 0 and (at != last or at > 0 and text[at - 1] != _SLASH):
        return "wildcard"
    at = text.find(b"+")
    while at >= 0:
        if at > 0 and text[at - 1] != _SLASH or at < last and text[at + 1] != _SLASH:
            return "wildcard"
        at = text.find(b"+", at + 1)
    if shared and text.startswith(_SHARE):
        # A wildcard fills its level, as was checked above, so a name has one only if it is one.
        end = text.find(b"/", len(_SHARE))
        if end < 0 or end == last or end == len(_SHARE) or text[len(_SHARE)] == _PLUS:
            return "share"
    return None


def _topic_fault(text, strict):
    fault = _text_fault(text, strict)
    if not fault and (b"+" in text or b"#" in text):
        return "wildcard"
    return fault


def _share_length(text):
    """Length of a correct filter's "$share/name/", 0 if it has none."""
    if text.startswith(_SHARE):
        return text.find(b"/", len(_SHARE)) + 1
    return 0


def _checked_filter(text, shared=True):
    text = _to_bytes(text)
    fault = _filter_fault(text, shared, False)
    if fault:
        raise ValueError("filter: " + fault)
    return text


def _checked_topic(text):
    text = _to_bytes(text)
    fault = _topic_fault(text, False)
    if fault:
        raise ValueError("topic: " + fault)
    return text


def validate_filter(_filter, *, shared=True, strict=False):
    """Raise ValueError with the reason alone, e.g. "wildcard", unless the filter is correct.

    With `shared`, "$share/name/filter" is a shared subscription and must be a correct one;
    without, "$share" is a level like any other. `strict` also refuses, as "utf8", what MQTT
    1.5.4 says SHOULD NOT be sent: control characters and non-characters.
    """
    fault = _filter_fault(_to_bytes(_filter), shared, strict)
    if fault:
        raise ValueError(fault)


def validate_topic(_topic, *, strict=False):
    """Raise ValueError with the reason alone, unless the topic name is correct.

    `strict` is that of `validate_filter`.
    """
    fault = _topic_fault(_to_bytes(_topic), strict)
    if fault:
        raise ValueError(fault)


def is_filter(_filter, *, shared=True, strict=False):
    """True where `validate_filter` returns. The C function allocates nothing."""
    return _filter_fault(_to_bytes(_filter), shared, strict) is None


def is_topic(_topic, *, strict=False):
    """True where `validate_topic` returns. The C function allocates nothing."""
    return _topic_fault(_to_bytes(_topic), strict) is None


def split_share(_filter):
    """Split "$share/name/filter" into (name, filter); any other filter f gives (None, f).

    The parts are str if `filter` is, else bytes. Raises ValueError as `validate_filter` does.
    """
    text = _to_bytes(_filter)
    fault = _filter_fault(text, True, False)
    if fault:
        raise ValueError(fault)
    length = _share_length(text)
    name = text[len(_SHARE) : length - 1] if length else None
    rest = text[length:]
    if isinstance(_filter, str):
        return (str(name, "utf-8") if length else None, str(rest, "utf-8"))
    return (name, rest)


def match(_filter, _topic, *, shared=True):
    """True if the filter matches the topic name [MQTT-4.7.1-1 to 4.7.3-4].

    A filter that begins with a wildcard does not match a topic that begins with "$"
    [MQTT-4.7.2-1]. With `shared`, "$share/name/" in front of the filter plays no part.
    Raises ValueError if either is incorrect, wherever they differ.
    """
    filter = _to_bytes(_filter)
    topic = _to_bytes(_topic)
    filter = _checked_filter(filter, shared)
    topic = _checked_topic(topic)
    at = _share_length(filter) if shared else 0
    if topic[0] == _DOLLAR and (filter[at] == _PLUS or filter[at] == _HASH):
        return False
    # The text between two "+" is compared at once, slashes and all.
    position = 0
    while True:
        plus = filter.find(b"+", at)
        if plus < 0:
            break
        if not topic.startswith(filter[at:plus], position):
            return False
        position = topic.find(b"/", position + plus - at)
        if position < 0:
            position = len(topic)
        at = plus + 1
    if filter[-1] != _HASH:
        return topic[position:] == filter[at:]
    if topic.startswith(filter[at:-1], position):
        return True
    return topic[position:] == filter[at:-2]  # "x/#" matches its parent level "x" too


class Router:
    """Filters with a value each, typically a handler: which of them does a topic match?

    Works like a dict from filters to values, in the order of insertion. The whole filter is the
    key: "a" and "$share/g/a" are two [MQTT-3.10.4-1]. Iteration and `items` go over a copy.
    Filters come back as bytes.

    `capacity` is the number of filters to allocate for at once (C only). A filter of more than
    `max_levels` levels is a ValueError, "filter: too many levels"; topics may have any number.
    A MemoryError in `add` leaves the router as it was. Not for use in a hard interrupt.
    """

    # An entry is [sequence number, value, next entry at the same place of the tree or None].
    # A filter without wildcard and share name is found as a key of _entries. The others are in
    # the tree as well: dicts from a level to the next dict, from b"#" and, at the end of a
    # filter, None to an entry.

    def __init__(self, capacity=0, max_levels=32):
        # MicroPython's bool is no int.
        if not (isinstance(capacity, (int, bool)) and isinstance(max_levels, (int, bool))):
            raise TypeError("capacity and max_levels: int needed")
        if not (0 <= capacity <= 32767 and 1 <= max_levels <= 65535):
            raise ValueError("capacity from 0 to 32767, max_levels from 1 to 65535")
        self._max_levels = max_levels
        self.clear()

    def clear(self):
        """Remove all filters. (The C router keeps the memory for the next ones.)"""
        self._entries = {}
        self._tree = {}
        self._sequence = 0

    def add(self, _filter, _value):
        """Set the filter's value. An equal filter's value is replaced and keeps its place."""
        filter = _checked_filter(_filter)
        share = _share_length(filter)
        if filter.count(b"/", share) >= self._max_levels:
            raise ValueError("filter: too many levels")
        entry = self._entries.get(filter)
        if entry is not None:
            entry[1] = _value
            return
        entry = [self._sequence, _value, None]
        self._entries[filter] = entry
        if self._is_in_tree(filter):
            try:
                self._add_to_tree(filter, entry)
            except MemoryError:
                del self._entries[filter]
                raise
        self._sequence += 1

    def remove(self, _filter):
        """Remove the filter; KeyError if it is not there."""
        filter = _checked_filter(_filter)
        entry = self._entries.get(filter)
        if entry is None:
            raise KeyError(_filter)
        del self._entries[filter]
        if self._is_in_tree(filter):
            self._remove_from_tree(filter, entry)

    def get(self, _filter, _default=None):
        """Return the filter's value, or `_default` if it is not there."""
        entry = self._entries.get(_checked_filter(_filter))
        return _default if entry is None else entry[1]

    def items(self):
        """Return a list of (filter, value)."""
        return [(filter, self._entries[filter][1]) for filter in self]

    def match(self, _topic, out=None):
        """Return the values of all filters that match the topic, first inserted first.

        With the list `out`, that is filled and returned; in C this allocates nothing if its
        capacity suffices.
        """
        values = [entry[1] for entry in self._find(_topic)]
        if out is None:
            return values
        if not isinstance(out, list):
            raise TypeError("out: list needed")
        out[:] = values
        return out

    def first(self, _topic, _default=None):
        """Return the first value that `match` would, or `_default` if there is none."""
        found = self._find(_topic)
        return found[0][1] if found else _default

    def any(self, _topic):
        """True if any filter matches the topic."""
        return len(self._find(_topic)) > 0

    def call(self, _topic, *args):
        """Call all values that match the topic with `args`; return their number.

        They may add and remove filters, their own included: who is called was decided before.
        """
        handlers = self.match(_topic)
        for handler in handlers:
            handler(*args)
        return len(handlers)

    def stats(self):
        """Return (entries, nodes, words, bytes): filters, levels in the tree, different levels,
        and what they take. Python does not tell the latter, so here it is the text's length.
        """
        nodes = 0
        words = set()
        stack = [self._tree]
        while stack:
            for level, child in stack.pop().items():
                if isinstance(child, dict):
                    nodes += 1
                    words.add(level)
                    stack.append(child)
        return (len(self._entries), nodes, len(words), sum(map(len, self._entries)))

    def __setitem__(self, filter, value):
        self.add(filter, value)

    def __delitem__(self, filter):
        self.remove(filter)

    def __getitem__(self, filter):
        entry = self._entries.get(_checked_filter(filter))
        if entry is None:
            raise KeyError(filter)
        return entry[1]

    def __contains__(self, filter):
        return _checked_filter(filter) in self._entries

    def __len__(self):
        return len(self._entries)

    def __iter__(self):
        ordered = [(entry[0], filter) for filter, entry in self._entries.items()]
        ordered.sort()
        return iter([filter for _, filter in ordered])

    def _is_in_tree(self, filter):
        return b"+" in filter or filter[-1] == _HASH or filter.startswith(_SHARE)

    def _keys(self, filter):
        """Return the keys that lead from the root of the tree to the filter's entries."""
        keys = filter[_share_length(filter) :].split(b"/")
        if keys[-1] != b"#":
            keys.append(None)
        return keys

    def _add_to_tree(self, filter, entry):
        """Hang the entry into the tree; a MemoryError leaves the tree as it was."""
        keys = self._keys(filter)
        last = keys.pop()
        node = self._tree
        depth = 0
        while depth < len(keys) and keys[depth] in node:
            node = node[keys[depth]]
            depth += 1
        if depth == len(keys):
            entry[2] = node.get(last)
            node[last] = entry
            return
        # What is new is made from its end, and becomes a part of the tree at once.
        branch = {last: entry}
        for i in range(len(keys) - 1, depth, -1):
            branch = {keys[i]: branch}
        node[keys[depth]] = branch

    def _remove_from_tree(self, filter, entry):
        keys = self._keys(filter)
        key = keys.pop()
        node = self._tree
        path = []
        for level in keys:
            path.append((node, level))
            node = node[level]
        before = node[key]
        if before is not entry:
            while before[2] is not entry:
                before = before[2]
            before[2] = entry[2]
        elif entry[2] is not None:
            node[key] = entry[2]
        else:
            del node[key]
            while path and not node:
                node, key = path.pop()
                del node[key]

    def _find(self, topic):
        """Return the entries of the filters that match, in order."""
        topic = _checked_topic(topic)
        found = []
        # As a filter, "$share/..." would be a shared one of something else.
        entry = self._entries.get(topic)
        if entry is not None and not topic.startswith(_SHARE):
            found.append(entry)
        nodes = [self._tree] if self._tree else []
        wildcards = topic[0] != _DOLLAR
        start = 0
        while nodes and start >= 0:
            end = topic.find(b"/", start)
            level = topic[start:end] if end >= 0 else topic[start:]
            children = []
            for node in nodes:
                if wildcards:
                    child = node.get(b"+")
                    if child is not None:
                        children.append(child)
                    _collect(node.get(b"#"), found)
                child = node.get(level)
                if child is not None:
                    children.append(child)
            nodes = children
            wildcards = True
            start = end + 1 if end >= 0 else -1
        for node in nodes:
            _collect(node.get(b"#"), found)
            _collect(node.get(None), found)
        if len(found) > 1:
            found.sort()  # by sequence number, of which no two are equal
        return found


def _collect(entry, found):
    while entry is not None:
        found.append(entry)
        entry = entry[2]
