"""What the MQTT client costs: time, wire, flash and heap. Needs `make test`'s builds.

Where micropython-lib is at hand (see tests/umqtt/wire/original.py), its client runs beside ours.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from benchmarks.goals import Goal
from simulated_board import DEFAULT_BOARD, ROOT, program
from tests.umqtt.client_program import ClientProgram
from tests.mosquitto import Mosquitto
from tests.umqtt.mcu.idle_client import BEFORE_IDLE_HEAP, idle_client_heap
from tests.umqtt.mcu.message_cost import BEFORE, message_cost
from tests.microcontroller import Microcontroller
from tests.umqtt.mosquitto.bulk import MESSAGES, PUBLISHES, RECONNECTS
from tests.tls import Certificates, RecordCounter
from tests.umqtt.wire.original import copy_original

MODULES = ("protocol", "transport", "simple", "robust")

ROUND_TRIPS = """
c = MQTTClient("c", "127.0.0.1", PORT)
c.set_callback(lambda topic, message: got.append(1))
c.connect()
c.subscribe("t")
best = []
for _ in range(7):
    start = time.ticks_us()
    for i in range({count}):
        c.publish("t", b"x" * 20)
        while not got:
            c.wait_msg()
        got.clear()
    best.append(time.ticks_diff(time.ticks_us(), start) / {count})
print(min(best))
"""

TLS_PUBLISHES = """
c = make(ssl=True, ssl_params={{"cadata": {ca!r}, "server_hostname": "localhost"}})
c.connect()
for _ in range({count}):
    c.publish("topic/of/a/lamp", "payload")
c.disconnect()
"""

# Nobody catches KeyboardInterrupt between the socket and the device's loop.
FRAMES = """
import io
from device import config, platforms, program

class Sock:
    def readinto(self, buffer):
        raise KeyboardInterrupt

    def write(self, data, start, size):
        return size

    def close(self):
        pass

class Watchdog:
    def step(self):
        if device.link.is_online():
            device.link.client.transport.sock = Sock()

values = {"wifi": {"ssid": "classroom"}}
values["mqtt"] = {"server": "127.0.0.1", "port": PORT}
device = program.Device(platforms.resolve(config.complete(values, "bench", "1")))
frames = io.StringIO()
try:
    device.run(Watchdog())
except KeyboardInterrupt as e:
    sys.print_exception(e, frames)
lines = frames.getvalue().split("\\n")
first = [i for i, line in enumerate(lines) if "device/program.py" in line][0]
print(len([line for line in lines[first:] if "umqtt/" in line or "device/" in line]))
"""


def run(folder: Path, text: str, port: int, timeout: float = 120) -> float:
    """Run a client program; return the number that it prints last."""
    client = ClientProgram(program(DEFAULT_BOARD), folder, text, port)
    return float(client.finish(timeout).split()[-1])


def mpy_tool() -> ModuleType:
    """MicroPython's own reader of .mpy files."""
    micropython = Path((ROOT / "build" / "built-from").read_text().split("\n")[0])
    sys.path.append(str(micropython / "py"))  # the reader imports a module from there
    path = micropython / "tools" / "mpy-tool.py"
    specification = importlib.util.spec_from_file_location("mpy_tool", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.global_qstrs = module.GlobalQStrList()
    return module


def code_sizes(folder: Path) -> tuple[int, int]:
    """Return the bytes of bytecode, and of the .mpy files with their names and constants."""
    tool = mpy_tool()
    bytecode = files = 0
    for name in MODULES:
        output = folder / f"{name}.mpy"
        subprocess.run(
            [ROOT / "build/mpy-cross/mpy-cross", "-O2", "-o", output]
            + [ROOT / f"modules/umqtt/{name}.py"],
            check=True,
        )
        files += output.stat().st_size
        pending = [tool.read_mpy(str(output)).raw_code]
        while pending:
            code = pending.pop()
            bytecode += len(code.fun_data)
            pending += code.children
    return bytecode, files


def tls_records(folder: Path) -> float:
    """Return the TLS records that a small publish takes."""
    certificates = Certificates(folder)
    with Mosquitto(folder, certificates.settings()) as broker:
        counter = RecordCounter(broker.port)
        count = 100
        text = TLS_PUBLISHES.format(ca=certificates.der(certificates.ca), count=count)
        ClientProgram(program(DEFAULT_BOARD), folder, text, counter.port).finish()
        return (counter.finish() - 2) / count  # but for CONNECT and DISCONNECT


def main() -> list[Goal]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Mosquitto(folder) as broker:
            round_trip = run(folder, ROUND_TRIPS.format(count=200), broker.port)
            grown = [run(folder, text, broker.port) for text in (MESSAGES, PUBLISHES, RECONNECTS)]
            frames = run(folder, FRAMES, broker.port)
            original = copy_original(folder / "original")
            if original:
                # The helpers that every client program starts with import this name.
                with (original / "umqtt" / "simple.py").open("a") as file:
                    file.write("\nProtocolError = OSError\n")
                os.environ["MICROPYPATH"] = f"{original}:.frozen"
                theirs = run(folder, ROUND_TRIPS.format(count=5), broker.port)
                del os.environ["MICROPYPATH"]
                print(f"micropython-lib's round trip: {theirs / 1000:.2f} ms")
        bytecode, files = code_sizes(folder)
        print(f".mpy files of umqtt, names and constants included: {files} bytes")
        records = tls_records(folder)
    with Microcontroller() as board:
        heap = idle_client_heap(board)
    cost = message_cost()
    print(f"a QoS 0 message in and one out, Cortex-M3: {cost}; on 8f4fe22: {BEFORE}")
    return [
        Goal("QoS 0 publish and receive, simulator", round_trip / 1000, 1, "ms"),
        Goal("Python frames from the device's loop to the socket", frames, 7),
        Goal("TLS records of a small publish", records, 1),
        Goal("bytecode from protocol to robust", bytecode, 12 * 1024, "bytes"),
        Goal("heap of an idle client, 32 bits", heap, BEFORE_IDLE_HEAP, "bytes"),
        Goal("heap a message in and out allocates, 32 bits", cost.heap, BEFORE.heap, "bytes"),
        Goal(
            "instructions of a message in and out, to 8f4fe22's",
            cost.instructions / BEFORE.instructions,
            0.5,
        ),
        Goal("heap growth over 10,000 messages", grown[0], 0, "bytes"),
        Goal("heap growth over 70,000 publishes", grown[1], 0, "bytes"),
        Goal("heap growth over 1,000 reconnects", grown[2], 0, "bytes"),
    ]
