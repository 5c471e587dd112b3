"""Random operations on both routers against a plain list, and all short pairs on both twins."""

import sys

import topicmatch_py

matchers = [topicmatch_py]
if sys.implementation.name == "micropython":
    import _topicmatch

    matchers.append(_topicmatch)

_state = 2463534242


def random(below):
    """A number from 0 to below - 1, the same sequence everywhere (xorshift)."""
    global _state
    _state ^= _state << 13 & 0xFFFFFFFF
    _state ^= _state >> 17
    _state ^= _state << 5 & 0xFFFFFFFF
    return _state % below


def choose(options):
    return options[random(len(options))]


LEVELS = (b"a", b"b", b"", b"temperature", b"\xc3\xa9", b"$x")


def random_filter():
    levels = [choose(LEVELS) if random(3) else b"+" for _ in range(1 + random(5))]
    if random(4) == 0:
        levels[-1] = b"#"
    filter = b"/".join(levels) or b"+"
    return b"$share/" + choose((b"a", b"g")) + b"/" + filter if random(5) == 0 else filter


def random_topic():
    return b"/".join([choose(LEVELS) for _ in range(1 + random(6))]) or b"a"


def check_operations(operations):
    routers = [matcher.Router() for matcher in matchers]
    model = []  # [filter, value] in the order of insertion

    def index(filter):
        for i, (known, _) in enumerate(model):
            if known == filter:
                return i
        return None

    for step in range(operations):
        filter = random_filter()
        found = index(filter)
        # Grows for some time, then shrinks.
        kind = random(10) + (2 if step // 300 % 2 else 0)
        if kind < 4:
            for router in routers:
                router[filter] = step
            if found is None:
                model.append([filter, step])
            else:
                model[found][1] = step
        elif kind < 6:
            topic = random_topic()
            expected = [value for known, value in model if topicmatch_py.match(known, topic)]
            for router in routers:
                assert router.match(topic) == expected, (step, topic)
                assert router.any(topic) == bool(expected)
                assert router.first(topic, "none") == (expected[0] if expected else "none")
        elif kind == 6:
            for router in routers:
                assert (filter in router) == (found is not None)
                assert router.get(filter, "none") == ("none" if found is None else model[found][1])
        elif model:
            removed = model.pop(random(len(model)))[0]
            for router in routers:
                del router[removed]
        for router in routers:
            assert len(router) == len(model)
        if step % 100 == 0:
            for router in routers:
                assert router.items() == [(known, value) for known, value in model]
                assert list(router) == [known for known, _ in model]
    for known, _ in model:
        for router in routers:
            router.remove(known)
    for router in routers:
        assert router.stats()[:3] == (0, 0, 0)


def texts(alphabet, most):
    """All texts of one to `most` characters."""
    made = last = [b""]
    for _ in range(most):
        last = [text + character for text in last for character in alphabet]
        made = made + last
    return made[1:]


def outcome(matcher, filter, topic):
    try:
        return matcher.match(filter, topic)
    except ValueError as error:
        return str(error)


def check_pairs(filter_length, topic_length):
    first, last = matchers[0], matchers[-1]
    topics = texts((b"a", b"b", b"/", b"$"), topic_length) + [b"", b"+", b"a/#"]
    for filter in texts((b"a", b"/", b"+", b"#", b"$"), filter_length):
        for topic in topics:
            expected = outcome(first, filter, topic)
            assert outcome(last, filter, topic) == expected, (filter, topic)


check_operations(1000 if sys.platform == "qemu" else 3000)
if len(matchers) > 1:
    check_pairs(3 if sys.platform == "qemu" else 4, 2)

print("ok")
