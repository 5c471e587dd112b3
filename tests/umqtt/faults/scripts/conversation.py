# Holds the same conversation again and again, each time as a line on standard input says:
# "<client> <client id> <patience in ms>". Answers each with one line of JSON: what it cost, what
# came. The conversation: connect, subscribe, publish at each QoS to itself, receive, ping,
# disconnect. What has not come when the patience is over is lost.
import asyncio
import gc
import json
import network
import sys
import time
from umqtt import aio, robust, simple
from umqtt.simple import CertificateError, MQTTException

PORT = int(sys.argv[1])
TLS = {}
if len(sys.argv) > 2:
    with open(sys.argv[2], "rb") as file:
        TLS = {"ssl": True, "ssl_params": {"cadata": file.read(), "server_hostname": "localhost"}}

TIMEOUT = 1.5 if TLS else 0.4  # s: a busy machine takes its time for a handshake
KEEPALIVE = 1  # s

# How long a call may take by docs/umqtt.md, in seconds.
BOUNDS = {
    "connect": TIMEOUT,
    "subscribe": 2 * TIMEOUT,
    "publish": 3 * TIMEOUT,
    "receive": 1.25 * KEEPALIVE,
    "ping": 1.25 * KEEPALIVE,
    "disconnect": 1,
}

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("classroom")
while not wlan.isconnected():
    time.sleep_ms(5)


def since(start):
    return time.ticks_diff(time.ticks_ms(), start)


class Cell:
    def __init__(self, kind, client_id, patience):
        self.patience = patience
        self.topic = b"f/" + client_id.encode()
        self.started = time.ticks_ms()
        self.got = []
        self.errors = []  # [call, exception's name and argument, ms, bound in ms]
        self.client = kind(client_id, "127.0.0.1", PORT, keepalive=KEEPALIVE, **TLS)
        self.client.TIMEOUT = TIMEOUT
        self.client.set_callback(self.receive)

    def receive(self, topic, message):
        self.got.append(message.decode("utf-8") if message in (b"q0", b"q1", b"q2") else "?")

    def waits(self):
        return since(self.started) < self.patience

    def waits_for(self, *wanted):
        return self.waits() and not all(name in self.got for name in wanted)

    def result(self):
        return {
            "ms": since(self.started),
            "got": sorted(self.got),
            "errors": self.errors,
            "patient": self.waits(),
            "connects": self.client.counters["connects"],
        }


class RobustClient(robust.MQTTClient):
    DELAY = 0.02
    MAX_DELAY = 0.1


class AioClient(aio.MQTTClient):
    DELAY = 0.02
    MAX_DELAY = 0.1


def robust_cell(client_id, patience):
    # Nothing may be raised but what a person must fix.
    cell = Cell(RobustClient, client_id, patience)
    c = cell.client
    try:
        c._clean_session = False
        c.reconnect()
        c.subscribe(cell.topic, 2)
        for qos in range(3):
            c.publish(cell.topic, "q%d" % qos, qos=qos)
        while cell.waits_for("q1", "q2"):
            c.check_msg()
            time.sleep_ms(1)
        answered = c.counters["pings_answered"]
        c.ping()
        while cell.waits() and c.counters["pings_answered"] == answered:
            if not c.isconnected():
                c.reconnect()
                c.ping()
            c.check_msg()
            time.sleep_ms(1)
        c.disconnect()
    except (MQTTException, CertificateError) as e:
        cell.errors.append(["robust", type(e).__name__ + str(e), 0, 1])
    finally:
        c.disconnect()
    return cell.result()


async def _aio_cell(cell):
    c = cell.client
    task = asyncio.create_task(c.run(False))
    try:
        await c.subscribe(cell.topic, 2)
        for qos in range(3):
            await c.publish(cell.topic, "q%d" % qos, qos=qos)
        while cell.waits_for("q1", "q2"):
            await asyncio.sleep_ms(2)
        answered = c.counters["pings_answered"]
        pinged = None
        while cell.waits() and c.counters["pings_answered"] == answered:
            await c.connected()
            if pinged != c.counters["connects"]:
                pinged = c.counters["connects"]
                c.ping()
            await asyncio.sleep_ms(2)
    except (MQTTException, CertificateError) as e:
        cell.errors.append(["aio", type(e).__name__ + str(e), 0, 1])
    await c.disconnect()
    try:
        await task
    except (MQTTException, CertificateError, OSError):
        pass


def aio_cell(client_id, patience):
    cell = Cell(AioClient, client_id, patience)
    asyncio.run(_aio_cell(cell))
    asyncio.new_event_loop()
    return cell.result()


def simple_cell(client_id, patience):
    # Errors are raised, in time; a program that just connects again gets on.
    cell = Cell(simple.MQTTClient, client_id, patience)
    c = cell.client
    cell.surely = []  # what was published without an error

    def attempt(name, function, *arguments, **named):
        start = time.ticks_ms()
        try:
            function(*arguments, **named)
            return True
        except (OSError, MQTTException, CertificateError) as e:
            reason = "%s%s" % (type(e).__name__, e.args)
            cell.errors.append([name, reason, since(start), int(BOUNDS[name] * 1000)])
            return False

    def online():
        while cell.waits() and not c.isconnected():
            if not attempt("connect", c.connect, False):
                time.sleep_ms(20)

    def receive():
        # Until the link is lost or all is there. A wait_msg would be as good, but for its return.
        while cell.waits_for(*cell.surely):
            c.check_msg()
            time.sleep_ms(1)

    def ping():
        answered = c.counters["pings_answered"]
        c.ping()
        while cell.waits() and c.counters["pings_answered"] == answered:
            c.check_msg()
            time.sleep_ms(1)

    online()
    while cell.waits() and not attempt("subscribe", c.subscribe, cell.topic, 2):
        online()
    for qos in range(3):
        online()
        if attempt("publish", c.publish, cell.topic, "q%d" % qos, qos=qos) and qos:
            cell.surely.append("q%d" % qos)
    online()
    while cell.waits() and not attempt("receive", receive):
        online()
    while cell.waits() and not attempt("ping", ping):
        online()
    attempt("disconnect", c.disconnect)
    result = cell.result()
    result["surely"] = cell.surely
    return result


CELLS = {"simple": simple_cell, "robust": robust_cell, "aio": aio_cell}

print(json.dumps({"ready": True}))
while True:
    line = sys.stdin.readline()
    if not line:
        break
    kind, client_id, patience = line.split()
    try:
        answer = CELLS[kind](client_id, int(patience))
    except Exception as e:
        sys.print_exception(e)
        answer = {"crash": "%s%s" % (type(e).__name__, e.args)}
    # MicroPython's loop keeps the last task that ended with an exception nobody was waiting for, and
    # with it a whole client.
    asyncio.core._exc_context.update(exception=None, future=None)
    gc.collect()
    answer["heap"] = gc.mem_alloc()
    print(json.dumps(answer))
