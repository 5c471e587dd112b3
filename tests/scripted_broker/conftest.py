"""`play`: one MicroPython program against one scripted broker."""

import subprocess
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_broker import ScriptedBroker

PRELUDE = """\
import errno, gc, micropython, sys, time
from umqtt import simple, robust
from umqtt.simple import MQTTClient, MQTTException, ProtocolError

PORT = int(sys.argv[1])
got = []


def make(keepalive=0, kind=simple.MQTTClient, client_id="c", **named):
    c = kind(client_id, "127.0.0.1", PORT, keepalive=keepalive, **named)
    c.TIMEOUT = 5
    c.set_callback(lambda topic, message: got.append((topic, message)))
    return c


def connected(keepalive=0, clean=True, **named):
    c = make(keepalive, **named)
    c.connect(clean)
    return c


def error_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except Exception as e:
        return e
    raise AssertionError("nothing was raised")


def receive(c, count):
    while len(got) < count:
        c.wait_msg()


def work(c, seconds):
    end = time.ticks_add(time.ticks_ms(), int(seconds * 1000))
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        c.step()
        time.sleep_ms(2)


"""


Conversation = Callable[[ScriptedBroker], None]


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    scripted = ScriptedBroker()
    yield scripted
    scripted.close()


@pytest.fixture
def play(micropython: Path, broker: ScriptedBroker, tmp_path: Path) -> Callable[..., str]:
    """Run `program` (MicroPython, after PRELUDE) against `conversation`; return what it printed."""

    def play_both(program: str, conversation: Conversation, timeout: float = 30) -> str:
        script = tmp_path / "program.py"
        script.write_text(PRELUDE + textwrap.dedent(program))
        failures: list[BaseException] = []

        def converse() -> None:
            try:
                conversation(broker)
            except BaseException as failure:
                failures.append(failure)
                if broker.peer:
                    broker.peer.close()

        thread = threading.Thread(target=converse, daemon=True)
        thread.start()
        result = subprocess.run(
            [micropython, "-X", "heapsize=16m", script, str(broker.port)],
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        thread.join(timeout)
        said = result.stdout + result.stderr
        if failures:
            raise AssertionError(f"broker: {failures[0]}\nclient said:\n{said}") from failures[0]
        assert not thread.is_alive(), f"the broker's script did not end; client said:\n{said}"
        assert result.returncode == 0, said
        return result.stdout

    return play_both
