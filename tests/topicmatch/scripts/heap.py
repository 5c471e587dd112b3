"""What matching takes from the heap: G7, G8, adding and removing forever, and no memory at all.

The 64 filters are those of benchmarks/workloads/64.txt. Where there is no file system, they come
before this script, as WORKLOAD; else the script's argument is the file's path.
"""

import gc
import sys

import _topicmatch
import topicmatch_py

try:
    WORKLOAD
except NameError:
    with open(sys.argv[1], "rb") as file:
        WORKLOAD = file.read()

ON_MCU = sys.platform == "qemu"
filters, hits, misses = [part.split(b"\n") for part in WORKLOAD.rstrip().split(b"\n\n")]
hits = hits[:16]
misses = misses[:16]
del WORKLOAD
text_size = sum([len(filter) for filter in filters])


def allocated(function, *args):
    """Bytes that are in use afterwards and were not before, without a collection in between."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    function(*args)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def fill(router):
    for i, filter in enumerate(filters):
        router.add(filter, i)
    return router


def match_often(router, out):
    for _ in range(10000 // len(hits) // 2):
        for topic in hits:
            router.match(topic, out)
            router.first(topic)
            router.any(topic)
            _topicmatch.is_topic(topic)
            _topicmatch.is_filter(topic)
            _topicmatch.match(topic, topic)
        for topic in misses:
            router.match(topic, out)
            router.first(topic)
            router.any(topic)
            router.call(topic, 1)


def check_no_allocation():
    """G7: nothing is allocated by 10,000 calls, and by calling few handlers."""
    router = fill(_topicmatch.Router())
    out = [None] * 8
    match_often(router, out)
    got = allocated(match_often, router, out)
    assert got == 0, got

    def call_often(router):
        for _ in range(10000):
            router.call("a/b", 1)

    handlers = _topicmatch.Router()
    handlers.add("a/b", abs)
    handlers.add("a/#", abs)
    got = allocated(call_often, handlers)
    assert got == 0, got


def check_size():
    """G8: on 32 bits the router takes 3 bytes for each of text and 512 more, the twin 8."""
    for matcher, limit in ((_topicmatch, 3 * text_size + 512), (topicmatch_py, 8 * text_size)):
        gc.collect()
        before = gc.mem_alloc()
        router = matcher.Router()
        for i in range(len(filters)):
            # A copy for each, since a filter mostly comes from a message or a settings file.
            router.add(bytes(bytearray(filters[i])), i)
        gc.collect()
        used = gc.mem_alloc() - before
        bits = 32 if sys.maxsize < 1 << 32 else 64
        print("%s: %d bytes for %d of text, %d bits" % (matcher, used, text_size, bits))
        assert used <= (limit if bits == 32 else 2 * limit), (used, limit)
        if matcher is _topicmatch:
            size = router.stats()[3]
            # Six blocks, each rounded up; and what the loop itself left behind.
            assert size <= used <= size + 12 * gc_block(bits), (size, used)


def gc_block(bits):
    """Bytes of the least piece of the heap: four words."""
    return 4 * bits // 8


def check_stable(pairs):
    """Adding and removing the same filters takes memory once."""
    router = fill(_topicmatch.Router())
    expected = [router.match(topic) for topic in hits]
    size = router.stats()
    before = router.stats()[3]
    while pairs > 0:
        for filter in filters:
            value = router[filter]
            router.remove(filter)
            router.add(filter, value)
        pairs -= len(filters)
    assert router.stats() == size and router.stats()[3] == before
    assert [router.match(topic) for topic in hits] == expected
    # All away and back, in another order.
    for step in (3, 5, 7):
        for filter in filters:
            router.remove(filter)
        assert router.stats()[:3] == (0, 0, 0) and len(router) == 0
        for i in range(len(filters)):
            i = i * step % len(filters)
            router.add(filters[i], i)
        assert router.stats() == size
    router.clear()
    fill(router)
    assert router.stats() == size


def check_values_are_kept():
    """The collector sees the values, and lets go of removed ones."""
    router = _topicmatch.Router()
    for i in range(200):
        router.add("a/%d" % i, [i] * 10)
    gc.collect()
    junk = [[j] * 10 for j in range(200)]
    assert [router["a/%d" % i] for i in range(200)] == [[i] * 10 for i in range(200)]
    del junk
    gc.collect()
    before = gc.mem_alloc()
    for i in range(200):
        router.remove("a/%d" % i)
    gc.collect()
    assert gc.mem_alloc() < before - 200 * 10 * 4


def check_no_memory():
    """A MemoryError leaves the router as it was, wherever it strikes."""
    router = _topicmatch.Router()
    for filter in filters[:32]:
        router.add(filter, filter)
    out = [None] * 8
    topics = hits + misses
    expected = [router.match(topic) for topic in topics]
    room = bytearray(2000)
    hog = []
    gc.collect()
    size = gc.mem_free() // 4
    while size >= 16:
        try:
            hog.append(bytearray(size))
        except MemoryError:
            size //= 2
    room = None
    failures = 0
    added = 32
    while added < len(filters):
        # Memory comes back a little at a time, so that each allocation fails at some time.
        try:
            router.add(filters[added], filters[added])
        except MemoryError:
            failures += 1
            assert len(router) == added and filters[added] not in router
            for i in range(len(topics)):
                for value in router.match(topics[i], out):
                    assert value in expected[i] or added > 32
            hog.pop()
            gc.collect()
        else:
            assert len(router) == added + 1
            added += 1
    assert failures > 5, failures
    del hog
    gc.collect()
    assert router.items() == [(filter, filter) for filter in filters]
    fresh = fill(_topicmatch.Router())
    for topic in topics:
        assert router.match(topic) == [filters[i] for i in fresh.match(topic)]


def check_no_memory_in_add():
    """Whatever memory is left when `add` begins: it adds the whole filter or nothing."""
    # A ninth makes the twin's dict grow.
    old = (b"a", b"+", b"$share/g/a", b"a/b", b"+/b", b"a/#", b"+/+/c", b"c")
    block = gc_block(32 if sys.maxsize < 1 << 32 else 64)
    for matcher, blocks in ((_topicmatch, 8), (topicmatch_py, 26)):
        outcomes = []
        for new in (b"+/x", b"a/b/#", b"$share/g/b", b"x/y/z/+/w"):
            for left in range(0, blocks * block, block):
                outcomes.append(add_with_little_memory(matcher, old, new, left))
        assert True in outcomes and False in outcomes, outcomes


def add_with_little_memory(matcher, old, new, left):
    """Try to add a filter while `left` bytes can be had; tell whether it was added."""
    router = matcher.Router()
    for i in range(len(old)):
        router.add(old[i], i)
    before = router.stats()[:3]
    room = bytearray(left)
    hog = None
    gc.collect()
    size = gc.mem_free() // 4
    while size >= 16:
        try:
            hog = [hog, bytearray(size)]
        except MemoryError:
            size //= 2
    room = None
    gc.collect()
    try:
        router.add(new, 7)
        added = True
    except MemoryError:
        added = False
    hog = None
    gc.collect()
    assert (new in router) == added and len(router) == len(old) + added
    topic = new[len(b"$share/g/") :] if new.startswith(b"$share/") else new
    topic = topic.replace(b"+", b"level").replace(b"#", b"level")
    assert (7 in router.match(topic)) == added
    router.add(new, 8)
    assert 8 in router.match(topic) and 7 not in router.match(topic)
    router.remove(new)
    assert router.stats()[:3] == before
    assert router.items() == [(old[i], i) for i in range(len(old))]
    return added


check_no_allocation()
check_size()
check_stable(20000 if ON_MCU else 1000000)
check_values_are_kept()
check_no_memory()
check_no_memory_in_add()

print("ok")
