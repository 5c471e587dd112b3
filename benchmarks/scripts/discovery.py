# What telling Home Assistant of the board takes, in the firmware: printed for benchmarks/device.py.
import gc
import time

from device import config, imports, platforms, program


def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


values = {
    "wifi": {"ssid": "classroom"},
    "mqtt": {"server": "b"},
    "homeassistant": {"area": "Room 7", "triggers": True},
    "topics": {"groups": ["class/all"]},
    "restore": False,
}
assert not config.check(values)
settings = platforms.resolve(config.complete(values, "mpython", "02514d000001"))
device = program.Device(settings)


class Display:
    # Which the simulated board has not.
    @staticmethod
    def describe(section):
        return ("display",)


parts = device._parts + [Display]


# Functions, so that no pointer to a message is left on the stack, where the collector would find it.
def size_of_message():
    from device import components

    section = settings["homeassistant"]
    size = len(components.message(device.link, section, settings["label"], parts))
    imports.forget("components")
    return size


def measure_time():
    fastest = 1000000
    for _ in range(20):
        begin = time.ticks_us()
        size_of_message()
        fastest = min(fastest, time.ticks_diff(time.ticks_us(), begin))
    return fastest


def look(text):
    # Texts are quoted while the message is written, up to near its end.
    global at_most
    at_most = max(at_most, used())
    return quoted(text)


def watch_heap():
    global quoted
    from device import components

    quoted = components._quoted
    components._quoted = look


quoted = at_most = 0
size = size_of_message()  # interns the names in the message, which are never freed
fastest = measure_time()
before = used()
watch_heap()
size_of_message()
quoted = None
print("discovery:", size, at_most - before, used() - before, fastest)
