# machine.Timer as ports/esp32/machine_timer.c has it: soft callbacks that run while the main
# program waits, whatever it waits for.
import select
import socket
import time
from machine import Timer

ticks = []


def count(timer):
    ticks.append(time.ticks_ms())


def runs_during(wait):
    # Whether a timer ticks five times within ten such waits, as it does within one on a machine
    # that has nothing else to do.
    ticks.clear()
    timer = Timer(1)
    timer.init(period=20, mode=Timer.PERIODIC, callback=count)
    for _ in range(10):
        wait()
        if len(ticks) >= 5:
            break
    timer.deinit()
    return len(ticks) >= 5


assert runs_during(lambda: time.sleep(0.3))
assert runs_during(lambda: time.sleep_ms(300))

# A blocking socket call looks every 100 ms and lets one callback run.
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(1)
server.settimeout(0.5)


def accept():
    try:
        server.accept()
        assert False
    except OSError as error:
        assert error.errno == 110


assert runs_during(accept)

poller = select.poll()
poller.register(server, select.POLLIN)
assert runs_during(lambda: poller.poll(300))


def busy():
    end = time.ticks_add(time.ticks_ms(), 300)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        pass


assert runs_during(busy)

# The same id is the same timer; ids end at 3; there are no hard callbacks.
assert Timer(2) is Timer(2)
for wrong in (-1, 4):
    try:
        Timer(wrong)
        assert False
    except ValueError as error:
        assert str(error) == "invalid Timer number"
try:
    Timer(0, period=100, callback=count, hard=True)
    assert False
except ValueError as error:
    assert str(error) == "hard Timers are not implemented"

ticks.clear()
Timer(3, mode=Timer.ONE_SHOT, period=10, callback=count)
while not ticks:
    time.sleep_ms(10)
time.sleep_ms(100)
assert len(ticks) == 1

# The scheduler is locked while a callback runs: callbacks never nest.
depth = [0, 0]


def nested(timer):
    depth[0] += 1
    depth[1] = max(depth)
    time.sleep_ms(50)
    depth[0] -= 1


Timer(0, period=5, mode=Timer.PERIODIC, callback=nested)
time.sleep_ms(300)
Timer(0).deinit()
assert depth[1] == 1, depth
print("ok")
