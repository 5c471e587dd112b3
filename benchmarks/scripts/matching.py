"""Matches topics by one contender, for MicroPython and CPython.

    matching.py <contender> <hits|misses> <repeats> <workload> [<folder to import from>]

The caller counts instructions, once with `repeats` and once with twice as many: the difference is
the matching alone. With repeats 0, CPU time is measured here: the contenders named, separated by
commas, take turns; what is printed is the least time of each, in us per topic.
"""

import sys

contenders, part, repeats, path = sys.argv[1:5]
sys.path.extend(sys.argv[5:])
with open(path, "rb") as file:
    filters, hits, misses = [text.split(b"\n") for text in file.read().rstrip().split(b"\n\n")]
topics = hits if part == "hits" else misses


def make(contender):
    """Return a function of a topic, and the topics in the type that it takes."""
    kind, _, name = contender.partition(" ")
    if kind == "loop":
        return (lambda topic: None), topics
    if kind == "paho":
        from matcher import MQTTMatcher

        tree = MQTTMatcher()
        for i, filter in enumerate(filters):
            tree[filter.decode()] = i
        return (lambda topic: list(tree.iter_match(topic))), [t.decode() for t in topics]
    if kind == "paho-sub":
        from paho.mqtt.client import topic_matches_sub

        texts = [filter.decode() for filter in filters]

        def match_all(topic):
            for text in texts:
                topic_matches_sub(text, topic)

        return match_all, [t.decode() for t in topics]
    module = __import__("_topicmatch" if kind == "C" else "topicmatch_py")
    if name == "router":
        router = module.Router()
        for i, filter in enumerate(filters):
            router.add(filter, i)
        return router.match, topics
    match = module.match

    def match_all(topic):
        for filter in filters:
            match(filter, topic)

    return match_all, topics


def run(function, topics, repeats):
    for _ in range(repeats):
        for topic in topics:
            function(topic)


if int(repeats) > 0:
    function, topics = make(contenders)
    run(function, topics, int(repeats))
else:
    import time

    made = [make(contender) for contender in contenders.split(",")]
    least = [None] * len(made)
    for _ in range(9):
        for i, (function, topics) in enumerate(made):
            start = time.ticks_us()
            run(function, topics, 4)
            taken = time.ticks_diff(time.ticks_us(), start) / (4 * len(topics))
            least[i] = taken if least[i] is None else min(least[i], taken)
    print(*least)
