# What set-up takes of the heap, in the firmware: printed for benchmarks/device.py.
import gc
import json
import sys


def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


import esp32, machine, network

# What is at the display's wires is Python here, and made at the first use.
machine.I2C(0, scl=machine.Pin("I2C_SCL"), sda=machine.Pin("I2C_SDA")).scan()
fake_hardware = used()

import board, rgb, wifi

leds = rgb.leds()
modules = set(sys.modules)
before = used()

from device.setup import http, program

setup = program.Setup()
setup.start()
setup._networks = [("classroom %02d" % i, -40 - i, 1) for i in range(20)]
opened = used()

config = {
    "wifi": {"ssid": "classroom", "password": "x" * 63},
    "mqtt": {"server": "b", "user": "u"},
}
config["topics"] = {"command": "x" * 150, "state": "y" * 150, "status": "z" * 150}
body = json.dumps({"config": config, "try": True}).encode()


def ask(method, path, body):
    request = http.Request("4.3.2.2")
    request.method, request.path, request.host = method, path, b"4.3.2.1"
    request.is_json, request.body = True, body
    request.language = b"zh"
    work = setup._answer(request)
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


assert ask(b"POST", b"/setup.json", body)[0] == 200
setup._reason = wifi.reason("classroom 00", 0)  # to be told in Chinese
answer = ask(b"GET", b"/setup.json", b"")  # while it is sent, beside four clients and a body
clients = [http._Client(None, "4.3.2.2", 0) for _ in range(4)]
clients[0].request.body = bytearray(4096)
setup._make_improv()
at_most = used()

setup.close()
setup = answer = clients = ask = body = config = http = program = None
import device

del device.setup
for name in list(sys.modules):
    if name not in modules:
        del sys.modules[name]
device = name = None
after = used()
print("set-up:", before - fake_hardware, opened - before, at_most - before, after - before)
