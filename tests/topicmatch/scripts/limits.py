"""Long and deep texts: 65,535 bytes, 65,536 bytes, 32,768 levels. Nothing recurses.

On the emulated microcontroller only the C module is tried: the twin copies what is not bytes,
and a second text of that length does not fit into 140 KB.
"""

import gc
import sys

import topicmatch_py

matchers = [topicmatch_py]
if sys.implementation.name == "micropython":
    import _topicmatch

    matchers.append(_topicmatch)
    if sys.platform == "qemu":
        matchers.remove(topicmatch_py)


def raised(function, *args):
    try:
        function(*args)
    except ValueError as error:
        return str(error)
    return None


for matcher in matchers:
    gc.collect()
    text = bytearray(65536)
    view = memoryview(text)
    longest = view[:65535]
    router = matcher.Router()
    router.add("#", 0)
    router.add("+", 1)
    router.add("a/#", 2)
    router.add("a/+/a", 3)

    # One level of 65,535 bytes; one byte more is too long [MQTT-4.7.3-3].
    for i in range(65536):
        text[i] = 0x61
    assert matcher.match("+", longest) and matcher.match("#", longest)
    assert not matcher.match("a", longest)
    assert router.match(longest) == [0, 1]
    assert matcher.is_topic(longest) and matcher.is_filter(longest)
    assert not matcher.is_topic(view) and not matcher.is_filter(view)
    assert raised(matcher.match, "+", view) == "topic: too long"
    assert raised(matcher.match, view, "+") == "filter: too long"
    assert raised(router.match, view) == "topic: too long"
    assert raised(matcher.validate_topic, view) == "too long"
    assert raised(matcher.validate_filter, view) == "too long"

    # 32,768 levels.
    for i in range(1, 65535, 2):
        text[i] = 0x2F
    assert matcher.match("a/+/#", longest) and not matcher.match("a/+", longest)
    assert router.match(longest) == [0, 2] and router.first(longest) == 0 and router.any(longest)
    assert raised(router.add, longest, 1) == "filter: too many levels"
    assert matcher.match(longest, longest)
    text[65534] = 0x2B
    assert matcher.is_filter(longest) and not matcher.is_topic(longest)
    for i in range(0, 65535, 2):
        text[i] = 0x2B
    assert matcher.is_filter(longest)
    assert not matcher.match(longest, "a/a")

    # Nothing but empty levels.
    for i in range(65535):
        text[i] = 0x2F
    assert matcher.is_filter(longest) and matcher.match("/#", longest)
    assert router.match(longest) == [0]

    # A character that crosses the limit, and one that is cut by it.
    text[65533] = 0xC3
    text[65534] = 0xA9
    assert matcher.is_topic(longest) and raised(matcher.validate_topic, view[:65534]) == "utf8"
    del router, text, view, longest

    # Deep filters in a router that allows them.
    gc.collect()
    router = matcher.Router(max_levels=2000)
    deep = "/".join(["+", "a"] * 1000)
    router.add(deep, "deep")
    router.add(deep[:-1] + "#", "open")
    assert raised(router.add, deep + "/a", "deeper") == "filter: too many levels"
    assert router.match("/".join(["b", "a"] * 1000)) == ["deep", "open"]
    assert router.match("/".join(["b", "a"] * 999 + ["b", "b"])) == ["open"]
    assert router.match("/".join(["b", "a"] * 999)) == []
    assert [filter for filter in router] == [deep.encode(), deep[:-1].encode() + b"#"]
    del router[deep]
    router.clear()

print("ok")
