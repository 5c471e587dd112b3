"""Rows decided by hand from MQTT's rules R1 to R11, for both twins and every type of input.

Runs under MicroPython with and without a file system, and, for the twin, under CPython.
"""

import sys

import topicmatch_py

matchers = [topicmatch_py]
if sys.implementation.name == "micropython":
    import _topicmatch
    import topicmatch

    assert topicmatch.NATIVE and topicmatch.match is _topicmatch.match
    matchers.append(_topicmatch)

# Rule, filter, topic, and what match says: True, False or the text of the ValueError.
MATCH_ROWS = (
    # R1: split at every "/", empty levels count.
    ("R1", b"a", b"a", True),
    ("R1", b"/", b"/", True),
    ("R1", b"/", b"//", False),
    ("R1", b"//", b"/", False),
    ("R1", b"//", b"//", True),
    ("R1", b"a", b"/a", False),
    ("R1", b"/a", b"a", False),
    ("R1", b"a/", b"a", False),
    ("R1", b"a", b"a/", False),
    ("R1", b"a/b", b"a//b", False),
    ("R1", b"a//b", b"a/b", False),
    ("R1", b"a//b", b"a//b", True),
    ("R1", b"home/temp/", b"home/temp/", True),
    # R2: topic names.
    ("R2", b"a", b"", "topic: empty"),
    ("R2", b"a", b"+", "topic: wildcard"),
    ("R2", b"a", b"#", "topic: wildcard"),
    ("R2", b"a/b", b"a/b+", "topic: wildcard"),
    ("R2", b"#", b"a/#", "topic: wildcard"),
    ("R2", b"#", b"a#b", "topic: wildcard"),
    ("R2", b"+/b", b"+/b", "topic: wildcard"),
    ("R2", b"#", b"a\x00b", "topic: NUL"),
    ("R2", b"a", b"\x00", "topic: NUL"),
    ("R2", b"#", b"\xff", "topic: utf8"),
    ("R2", b"#", b"a/\xc3", "topic: utf8"),
    ("R2", b"#", b"\x80a", "topic: utf8"),
    ("R2", b"#", b"\xc0\xaf", "topic: utf8"),
    ("R2", b"#", b"\xc1\xbf", "topic: utf8"),
    ("R2", b"#", b"\xe0\x9f\xbf", "topic: utf8"),
    ("R2", b"#", b"\xe0\xa0\x80", True),
    ("R2", b"#", b"\xed\x9f\xbf", True),
    ("R2", b"#", b"\xed\xa0\x80", "topic: utf8"),
    ("R2", b"#", b"\xed\xbf\xbf", "topic: utf8"),
    ("R2", b"#", b"\xee\x80\x80", True),
    ("R2", b"#", b"\xf0\x8f\xbf\xbf", "topic: utf8"),
    ("R2", b"#", b"\xf0\x90\x80\x80", True),
    ("R2", b"#", b"\xf4\x8f\xbf\xbf", True),
    ("R2", b"#", b"\xf4\x90\x80\x80", "topic: utf8"),
    ("R2", b"#", b"\xf5\x80\x80\x80", "topic: utf8"),
    ("R2", b"#", b"\xe2\x82", "topic: utf8"),
    ("R2", b"#", b"\xe2\x28\xa1", "topic: utf8"),
    ("R2", b"#", b"\xf0\x9f\x92", "topic: utf8"),
    ("R2", b"#", b"\xf0\x9f\x92\xa1", True),
    # R3: topic filters.
    ("R3", b"", b"a", "filter: empty"),
    ("R3", b"a#", b"a", "filter: wildcard"),
    ("R3", b"#a", b"a", "filter: wildcard"),
    ("R3", b"a/#/b", b"a/b", "filter: wildcard"),
    ("R3", b"#/", b"a", "filter: wildcard"),
    ("R3", b"#/a", b"a", "filter: wildcard"),
    ("R3", b"##", b"a", "filter: wildcard"),
    ("R3", b"#/#", b"a", "filter: wildcard"),
    ("R3", b"a/b#", b"a/b", "filter: wildcard"),
    ("R3", b"a/#b", b"a/b", "filter: wildcard"),
    ("R3", b"a+", b"a", "filter: wildcard"),
    ("R3", b"+a", b"a", "filter: wildcard"),
    ("R3", b"++", b"a", "filter: wildcard"),
    ("R3", b"+#", b"a", "filter: wildcard"),
    ("R3", b"#+", b"a", "filter: wildcard"),
    ("R3", b"a/b+/c", b"a/b/c", "filter: wildcard"),
    ("R3", b"a/+b", b"a/b", "filter: wildcard"),
    ("R3", b"a/+/#x", b"a/b", "filter: wildcard"),
    ("R3", b"+/a+", b"a/a", "filter: wildcard"),
    ("R3", b"a\x00", b"a", "filter: NUL"),
    ("R3", b"+/\x00", b"a/b", "filter: NUL"),
    ("R3", b"\xc3", b"a", "filter: utf8"),
    ("R3", b"+/\xed\xa0\x80", b"a/b", "filter: utf8"),
    # R4: level by level, on the bytes.
    ("R4", b"a/b/c", b"a/b/c", True),
    ("R4", b"a/b/c", b"a/b/C", False),
    ("R4", b"A", b"a", False),
    ("R4", b"a/b", b"a/b/c", False),
    ("R4", b"a/b/c", b"a/b", False),
    ("R4", b"foo", b"foobar", False),
    ("R4", b"foobar", b"foo", False),
    ("R4", b"+", b"a", True),
    ("R4", b"+", b"/", False),
    ("R4", b"+", b"a/b", False),
    ("R4", b"+/+", b"a/b", True),
    ("R4", b"+/+", b"/", True),
    ("R4", b"+/+", b"a/", True),
    ("R4", b"+/+", b"/a", True),
    ("R4", b"+/+", b"a", False),
    ("R4", b"/+", b"/a", True),
    ("R4", b"/+", b"/", True),
    ("R4", b"/+", b"a", False),
    ("R4", b"/+", b"//", False),
    ("R4", b"+/", b"a/", True),
    ("R4", b"+/", b"a", False),
    ("R4", b"a/+", b"a/", True),
    ("R4", b"a/+", b"a", False),
    ("R4", b"a/+", b"a/b/c", False),
    ("R4", b"a/+/c", b"a/b/c", True),
    ("R4", b"a/+/c", b"a//c", True),
    ("R4", b"a/+/c", b"a/c", False),
    ("R4", b"a/+/c", b"a/b/b/c", False),
    ("R4", b"a/+/+/d", b"a/b/c/d", True),
    ("R4", b"a/+/+/d", b"a///d", True),
    ("R4", b"a/+/+/d", b"a/b/d", False),
    ("R4", b"+/b", b"/b", True),
    ("R4", b"+/+/+", b"//", True),
    ("R4", b"home/+/temp", b"home/kitchen/temp", True),
    ("R4", b"home/+/temp", b"home/kitchen/temperature", False),
    ("R4", b"home/+/temp", b"home/kitchen/tem", False),
    ("R4", b"#", b"a", True),
    ("R4", b"#", b"/", True),
    ("R4", b"#", b"a/b/c", True),
    ("R4", b"a/#", b"a", True),
    ("R4", b"a/#", b"a/", True),
    ("R4", b"a/#", b"a/b", True),
    ("R4", b"a/#", b"a/b/c/d", True),
    ("R4", b"a/#", b"ab", False),
    ("R4", b"a/#", b"b", False),
    ("R4", b"a/#", b"/a", False),
    ("R4", b"foo/#", b"foobar/x", False),
    ("R4", b"a/b/#", b"a", False),
    ("R4", b"a/b/#", b"a/b", True),
    ("R4", b"a/b/#", b"a/bc", False),
    ("R4", b"/#", b"/", True),
    ("R4", b"/#", b"//", True),
    ("R4", b"/#", b"/a/b", True),
    ("R4", b"/#", b"a", False),
    ("R4", b"/#", b"a/b", False),
    ("R4", b"//#", b"/", True),
    ("R4", b"//#", b"//", True),
    ("R4", b"//#", b"//a", True),
    ("R4", b"//#", b"/a", False),
    ("R4", b"+/#", b"a", True),
    ("R4", b"+/#", b"/", True),
    ("R4", b"+/#", b"/a", True),
    ("R4", b"+/#", b"a/b/c", True),
    ("R4", b"a/+/#", b"a/b", True),
    ("R4", b"a/+/#", b"a/", True),
    ("R4", b"a/+/#", b"a", False),
    ("R4", b"a/+/#", b"a/b/c", True),
    ("R4", b"a/+/#", b"b/b/c", False),
    ("R4", b"+/b/#", b"a/b", True),
    ("R4", b"+/b/#", b"a/c", False),
    ("R4", b"/+/#", b"/a", True),
    ("R4", b"/+/#", b"/", True),
    ("R4", b"/+/#", b"//", True),
    ("R4", b"/+/#", b"a", False),
    ("R4", b"a /b c", b"a /b c", True),
    ("R4", b"a/*", b"a/b", False),
    ("R4", b"a/?", b"a/b", False),
    ("R4", b"a.b", b"a/b", False),
    ("R4", b"+/\xc3\xa9", b"\xc3\xa9/\xc3\xa9", True),
    ("R4", b"\xc3\xa9/+", b"\xc3\xa9/b", True),
    ("R4", b"caf\xc3\xa9", b"cafe\xcc\x81", False),
    ("R4", b"\xef\xbb\xbfa", b"a", False),
    ("R4", b"\xef\xbb\xbfa", b"\xef\xbb\xbfa", True),
    # R5: a leading wildcard does not match a leading "$".
    ("R5", b"#", b"$SYS", False),
    ("R5", b"#", b"$SYS/x", False),
    ("R5", b"+", b"$SYS", False),
    ("R5", b"+/x", b"$SYS/x", False),
    ("R5", b"+/#", b"$SYS/x", False),
    ("R5", b"+/#", b"$", False),
    ("R5", b"$SYS/#", b"$SYS", True),
    ("R5", b"$SYS/#", b"$SYS/x/y", True),
    ("R5", b"$SYS/+", b"$SYS/x", True),
    ("R5", b"$SYS/+/#", b"$SYS/x", True),
    ("R5", b"$/#", b"$/x", True),
    ("R5", b"a/+", b"a/$b", True),
    ("R5", b"a/#", b"a/$b", True),
    ("R5", b"#", b"/$SYS", True),
    ("R5", b"+/+", b"/$SYS", True),
    ("R5", b"#", b"a$", True),
    # R6: shared subscriptions.
    ("R6", b"$share/g/a", b"a", True),
    ("R6", b"$share/g/a", b"$share/g/a", False),
    ("R6", b"$share/g/a", b"b", False),
    ("R6", b"$share/g/a/#", b"a", True),
    ("R6", b"$share/g/+", b"a", True),
    ("R6", b"$share/g/#", b"a/b", True),
    ("R6", b"$share/g/#", b"$SYS/x", False),
    ("R6", b"$share/g/+/x", b"$SYS/x", False),
    ("R6", b"$share/g/$SYS/#", b"$SYS/x", True),
    ("R6", b"$share/g//", b"/", True),
    ("R6", b"$share/g//a", b"/a", True),
    ("R6", b"$share/g//a", b"a", False),
    ("R6", b"$share/\xc3\xa9/a", b"a", True),
    ("R6", b"$share/", b"a", "filter: share"),
    ("R6", b"$share//", b"a", "filter: share"),
    ("R6", b"$share//a", b"a", "filter: share"),
    ("R6", b"$share/g", b"a", "filter: share"),
    ("R6", b"$share/g/", b"a", "filter: share"),
    ("R6", b"$share/+/a", b"a", "filter: share"),
    ("R6", b"$share/+", b"a", "filter: share"),
    ("R6", b"$share/#", b"a", "filter: share"),
    ("R6", b"$share/#/a", b"a", "filter: wildcard"),
    ("R6", b"$share/g+/a", b"a", "filter: wildcard"),
    ("R6", b"$share/g/a#", b"a", "filter: wildcard"),
    # R7: one prefix is removed, and nothing that merely looks like it.
    ("R7", b"$share/g/$share/h/a", b"$share/h/a", True),
    ("R7", b"$share/g/$share/h/a", b"a", False),
    ("R7", b"$share", b"$share", True),
    ("R7", b"$share", b"a", False),
    ("R7", b"$shared/g/a", b"$shared/g/a", True),
    ("R7", b"$shared/g/a", b"a", False),
    ("R7", b"$SHARE/g/a", b"$SHARE/g/a", True),
    ("R7", b"$SHARE/g/a", b"a", False),
    ("R7", b"/$share/g/a", b"/$share/g/a", True),
    # R8: discouraged characters are accepted.
    ("R8", b"#", b"\x01", True),
    ("R8", b"\x7f", b"\x7f", True),
    ("R8", b"#", b"\xef\xbf\xbf", True),
    ("R8", b"\t", b"\n", False),
    # R9: errors do not depend on where the texts differ; the filter comes first.
    ("R9", b"x/+/#x", b"a/b", "filter: wildcard"),
    ("R9", b"x", b"a/b/#", "topic: wildcard"),
    ("R9", b"a#", b"a#", "filter: wildcard"),
    ("R9", b"", b"", "filter: empty"),
    ("R9", b"x/\x00+", b"a", "filter: NUL"),
    ("R9", b"+x/\xff", b"a", "filter: utf8"),
    ("R9", b"x", b"#\xff\x00", "topic: NUL"),
    ("R9", b"x", b"+\xff", "topic: utf8"),
    ("R9", b"#", b"$SYS/#", "topic: wildcard"),
    ("R9", b"a/b", b"x/\xc0\xaf", "topic: utf8"),
)

# Filter, topic, and what match(..., shared=False) says [R7].
PLAIN_ROWS = (
    (b"$share/g/a", b"$share/g/a", True),
    (b"$share/g/a", b"a", False),
    (b"$share/g/#", b"$share/g", True),
    (b"$share/+/a", b"$share/g/a", True),
    (b"$share//a", b"$share//a", True),
    (b"$share/#", b"$share", True),
    (b"$share/g/", b"$share/g/", True),
    (b"#", b"$share/g/a", False),
)

# Text that is correct only as long as nobody is strict [R8].
DISCOURAGED = (
    b"\x01",
    b"a/\x1f",
    b"\x7f",
    b"\xc2\x80",
    b"\xc2\x9f",
    b"\xef\xb7\x90",
    b"\xef\xb7\xaf",
    b"\xef\xbf\xbe",
    b"\xf0\x9f\xbf\xbf",
    b"\xf4\x8f\xbf\xbe",
)

# Text that is correct for the strictest.
ENCOURAGED = (
    b" ",
    b"~",
    b"\xc2\xa0",
    b"\xef\xb7\x8f",
    b"\xef\xb7\xb0",
    b"\xef\xbf\xbd",
    b"\xf0\x9f\xbf\xbd",
    b"\xf4\x8f\xbf\xbd",
)

SHARES = (
    (b"a", None, b"a"),
    (b"$share/g/a/#", b"g", b"a/#"),
    (b"$share/g//", b"g", b"/"),
    (b"$share/\xc3\xa9/\xc3\xa9", b"\xc3\xa9", b"\xc3\xa9"),
    (b"$share/g/$share/h/a", b"g", b"$share/h/a"),
    (b"$shared/g/a", None, b"$shared/g/a"),
    (b"$share", None, b"$share"),
)


def forms(text):
    """Return the same bytes in every type [R10]; not all bytes can be a str."""
    made = [text, bytearray(text), memoryview(text), memoryview(b"x" + text + b"x")[1:-1]]
    try:
        made.append(str(text, "utf-8"))
    except UnicodeError:
        pass
    return made


def outcome(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        return str(error)


def route(matcher, filter, topic):
    """Ask a router with this one filter."""
    router = matcher.Router()
    router.add(filter, "value")
    found = router.match(topic)
    assert router.any(topic) == bool(found)
    assert router.first(topic) == (found[0] if found else None)
    return found == ["value"]


def expect(row, got, expected):
    assert got is expected or got == expected and isinstance(got, str), (row, got)


assert len(MATCH_ROWS) >= 150
for matcher in matchers:
    for row in MATCH_ROWS:
        _, filter, topic, expected = row
        filter_fault = topic_fault = None
        if isinstance(expected, str):
            where, reason = expected.split(": ")
            if where == "filter":
                filter_fault = reason
            else:
                topic_fault = reason
        for f in forms(filter):
            expect(row, outcome(matcher.validate_filter, f), filter_fault)
            expect(row, matcher.is_filter(f), filter_fault is None)
            for t in forms(topic):
                expect(row, outcome(matcher.match, f, t), expected)
                expect(row, outcome(route, matcher, f, t), expected)
        if filter_fault is None:
            for t in forms(topic):
                expect(row, outcome(matcher.validate_topic, t), topic_fault)
                expect(row, matcher.is_topic(t), topic_fault is None)
    for row in PLAIN_ROWS:
        filter, topic, expected = row
        for f in forms(filter):
            assert matcher.is_filter(f, shared=False)
            assert matcher.validate_filter(f, shared=False) is None
            for t in forms(topic):
                expect(row, outcome(matcher.match, f, t, shared=False), expected)
    for text in DISCOURAGED:
        for t in forms(text):
            assert matcher.is_filter(t) and matcher.is_topic(t), text
            assert not matcher.is_filter(t, strict=True), text
            assert not matcher.is_topic(t, strict=True), text
            assert outcome(matcher.validate_filter, t, strict=True) == "utf8", text
            assert outcome(matcher.validate_topic, t, strict=True) == "utf8", text
    for text in ENCOURAGED:
        for t in forms(text):
            assert matcher.is_filter(t, strict=True) and matcher.is_topic(t, strict=True), text
            assert matcher.validate_filter(t, strict=True) is None
            assert matcher.validate_topic(t, strict=True) is None
    for text, name, filter in SHARES:
        for t in forms(text):
            parts = (name, filter)
            if isinstance(t, str):
                parts = (name and str(name, "utf-8"), str(filter, "utf-8"))
            assert matcher.split_share(t) == parts, text
    for text in (b"", b"$share/g", b"$share//a", b"a#", b"$share/g/\xff"):
        for t in forms(text):
            reason = outcome(matcher.validate_filter, t)
            assert isinstance(reason, str) and outcome(matcher.split_share, t) == reason

    # Whatever is not text is a TypeError, wherever it is given.
    router = matcher.Router()
    for wrong in (None, 1, 1.5, [b"a"], (b"a",), {}, object()):
        for function in (
            matcher.validate_filter,
            matcher.validate_topic,
            matcher.is_filter,
            matcher.is_topic,
            matcher.split_share,
            lambda x: matcher.match(x, "a"),
            lambda x: matcher.match("a", x),
            lambda x: matcher.match("#a", x),
            lambda x: router.add(x, 1),
            lambda x: x in router,
            lambda x: router[x],
            router.get,
            router.remove,
            router.match,
            router.first,
            router.any,
            router.call,
        ):
            try:
                function(wrong)
            except TypeError as error:
                assert str(error) == "str or bytes-like needed", error
            else:
                assert False, (function, wrong)

print("ok")
