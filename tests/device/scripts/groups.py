# Groups: what is told comes late, each answer once; what is to be seen comes at once.
from device import groups

did = []
late = 0


class Clock:
    @staticmethod
    def ticks_ms():
        return late

    @staticmethod
    def elapsed(since, period):
        return late - since >= period


class Dice:
    @staticmethod
    def urandom(count):
        return bytes((dice,))


class Part:
    is_retained = False

    def __getattr__(self, name):
        def note(*arguments):
            did.append(name)
            return name == "follow"

        return note


class Lamp(Part):
    def tell(self):
        did.append("state")


class Report(Part):
    def tell_stats(self):
        did.append("stats")

    def restart(self):
        did.append("restart")


groups.time = groups.timers = Clock
groups.os = Dice
part = groups.Groups(Part(), [b"class/all/command"], Lamp(), Part(), Report())
((topic, follow, qos),) = part.filters()
assert (topic, qos) == (b"class/all/command", 1)

for dice, wait in ((0, 0), (128, 150), (255, 298)):
    for message, at_once, answer in (
        (b"red", ["answer", "follow"], "state"),
        (b" STATS", [], "stats"),
        (b'{"restart": true, "confirm": "class/all"}', [], "restart"),
    ):
        follow(topic, message)
        follow(topic, message)
        assert did == at_once * 2, did
        did.clear()
        if wait:
            late += wait - 1
            part.step(late)
            assert did == []
            late += 1
        part.step(late)
        assert did == [answer], did
        did.clear()
        part.step(late)
        assert did == []

# All of what was asked for in the meantime is told together.
dice = 255
follow(topic, b"stats")
late += 100
follow(topic, b"red")
did.clear()
late += 198
part.step(late)
assert did == ["stats", "state"], did
print("ok")
