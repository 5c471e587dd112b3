# Bad boots: counted across resets, forgotten after five good minutes; the user's memory is left alone.
import machine
import micropython
import time
import version
from device.bad_boots import BadBoots


class Link:
    topics = {"status": b"s"}

    def __init__(self):
        self.published = []

    def publish(self, topic, message, qos):
        self.published.append((topic, message, qos))


link = Link()
rtc = machine.RTC()
assert rtc.memory() == b""
for count in (1, 2, 3):
    boots = BadBoots(link)
    assert not boots.are_too_many() and boots.count == count - 1
    boots.add_failure()
boots = BadBoots(link)
assert boots.are_too_many() and boots.count == 3
boots.online()
assert [(topic, qos) for topic, _, qos in link.published] == [(b"s/problem", 1)]
begin = boots._begin
boots.step(time.ticks_add(begin, 299000))
assert BadBoots(link).count == 3
boots.step(time.ticks_add(begin, 300000))
assert BadBoots(link).count == 0
assert BadBoots(link).resets() == {"watchdog": 0, "failure": 3, "no_broker": 0}

machine.reset_cause = lambda: machine.WDT_RESET
assert BadBoots(link).count == 1
machine.reset_cause = lambda: machine.HARD_RESET
assert BadBoots(link).count == 1
boots = BadBoots(link)
boots.add_cut_off()  # the network's failure, not the program's
assert BadBoots(link).count == 1
assert BadBoots(link).resets() == {"watchdog": 1, "failure": 3, "no_broker": 1}
for _ in range(300):
    boots.add_failure()
assert boots.count == boots.resets()["failure"] == 255

# An update leaves the memory: the new version tries /handlers.py again, and counts in what it finds.
ours = rtc.memory()
version.VERSION = "9.8.7"
boots = BadBoots(link)
assert boots.count == 0 and boots.resets()["failure"] == 255
boots.add_cut_off()
assert rtc.memory() != ours and BadBoots(link).resets()["no_broker"] == 2
for earlier in (b"resets \x03\x01\x02\x00", b"bad boots \x03"):
    rtc.memory(earlier)
    boots = BadBoots(link)
    assert boots.count == 0
    boots.add_failure()
    assert BadBoots(link).count == 1, earlier

rtc.memory(b"a program's own")
boots = BadBoots(link)
boots.add_failure()
assert rtc.memory() == b"a program's own"


class Memory:
    last = 0

    def memory(self, data=b""):
        if data:
            self.last = data[7]
        return data


# No heap is left: it is counted all the same, as on the chip, where memory() needs none either.
memory = Memory()
memory.last = 0
machine.RTC = lambda: memory
boots = BadBoots(link)
micropython.heap_lock()
try:
    boots.add_failure()
finally:
    micropython.heap_unlock()
assert memory.last == boots.count == 1
print("ok")
