"""Client programs that do one thing thousands of times; each prints by how much the heap has grown."""

MESSAGES = """
c = connected()
c.on("t/+", lambda topic, message: got.append(1))
used = [0, 0]
for i in range(10000):
    c.publish("t/%d" % (i % 10), b"0123456789")
    while not got:
        c.wait_msg()
    got.clear()
    if i in (100, 9999):
        gc.collect()
        used[i > 100] = gc.mem_alloc()
print(used)
print(used[1] - used[0])
"""

PUBLISHES = """
def publish(count):
    while count or c.session.in_flight:
        while count and len(c.session.in_flight) < 20:
            c.publish_nowait("t", "m", qos=1)
            count -= 1
        c.step()
    gc.collect()
    return gc.mem_alloc()

c = connected()
used = []
for count in (2000, 1, 2, 70000, 1, 2):
    used.append(publish(count))
assert c.pid == 72006 - 65535, c.pid  # they begin again after 65535
# The collector keeps what an old address on the C stack points to: the least of three counts.
print(min(used[3:]) - min(used[:3]))
"""

RECONNECTS = """
c = make()
c.on("t", lambda topic, message: got.append(1))
used = [0, 0]
for i in range(1101):
    c.connect()
    c.disconnect()
    if i in (100, 1100):
        gc.collect()
        used[i > 100] = gc.mem_alloc()
print(used)
print(used[1] - used[0])
"""
