# Echoes: a message is echoed once, whoever sends it; too many at once are not; lost ones are forgotten.
import timers
from device import echo


class Clock:
    now = 0
    ticks_ms = staticmethod(lambda: Clock.now)
    ticks_diff = staticmethod(lambda later, earlier: later - earlier)


echo.time = timers.time = Clock
echoes = echo.Echoes(patience=50)
assert echoes.accept(b"a", b"1")
assert echoes.accept(b"b", b"1")  # the same on another topic is not its echo
assert not echoes.accept(b"b", b"1")
assert not echoes.accept(b"a", b"1")
assert echoes.accept(b"a", b"1")
assert not echoes.accept(b"a", b"1")

for i in range(16):
    assert echoes.accept(b"a", b"%d" % i)
assert not echoes.accept(b"a", b"one too many")
assert not echoes.accept(b"a", b"0")  # an echo, which makes room
assert echoes.accept(b"a", b"another")
Clock.now = 49
assert not echoes.accept(b"a", b"still too many")
Clock.now = 50
assert echoes.accept(b"a", b"later")  # the others got lost
assert not echoes.accept(b"a", b"later")
print("ok")
