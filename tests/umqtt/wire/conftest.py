"""`play`: one MicroPython program against one scripted broker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.umqtt.client_program import ClientProgram
from tests.umqtt.wire.broker import ScriptedBroker

Conversation = Callable[[ScriptedBroker], None]


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    scripted = ScriptedBroker()
    yield scripted
    scripted.close()


@pytest.fixture
def play(micropython: Path, broker: ScriptedBroker, tmp_path: Path) -> Callable[..., str]:
    """Run `program` against `conversation`, both to a good end; return what it printed."""

    def play_both(program: str, conversation: Conversation, timeout: float = 120) -> str:
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
        client = ClientProgram(micropython, tmp_path, program, broker.port)
        try:
            output = client.finish(timeout)
        except AssertionError as failure:
            output = str(failure)
            failures.append(failure)
        thread.join(timeout)
        if failures:
            raise AssertionError(f"{failures[0]}\n{output}") from failures[0]
        assert not thread.is_alive(), f"the broker's script did not end:\n{output}"
        return output

    return play_both
