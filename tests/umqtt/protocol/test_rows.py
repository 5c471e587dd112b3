"""Every conversation of rows/, however what arrives is cut, in CPython and in the firmware."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.umqtt.protocol import conversation
from tests.umqtt.protocol.client import Client
from tests.umqtt.protocol.cpython import FOLDER
from tests.umqtt.protocol.titles import BY_TITLE


@pytest.mark.parametrize("title", BY_TITLE)
def test_session_in_every_split(title: str) -> None:
    for name, cut, glued in conversation.splits(BY_TITLE[title]):
        try:
            conversation.play(BY_TITLE[title], Client(), cut, glued)
        except Exception as error:
            error.add_note(f"{name}{', another packet behind it' * glued}")
            raise


def test_session_in_firmware(run_script: Callable[..., str]) -> None:
    output = run_script(FOLDER / "scripts" / "protocol.py", str(FOLDER))
    assert output.startswith(f"{len(set(BY_TITLE.values()))} conversations")


@pytest.mark.parametrize(
    "row, complaint",
    [
        ('    connected()\n  < 30 04  00 01 "t"  "m"', "events [('message'"),
        ("    connected()\n  < 34 05  00 01 't'", "invalid literal"),
        ("    connect()", "10 0d 00 04 4d 51 54 54 04 02 00 00 00 01 63 leaves, not nothing"),
        ("    connected()\n  ~ d0 00", "events [('pong',)], not [('violation',)]"),
        ('  ! publish("t", "m")  ValueError', "did not raise ValueError"),
        ("    connected()\n  < d0 00\n  = pong()\n  = pong()", "not [('pong',), ('pong',)]"),
        ("    connected()\n    in_flight(1)", "()"),
    ],
)
def test_wrong_conversation_is_refused(row: str, complaint: str) -> None:
    with pytest.raises((conversation.Mismatch, ValueError, AssertionError)) as caught:
        conversation.play(conversation.read("[MQTT-0.0.0-0] wrong\n" + row)[0], Client())
    assert complaint in str(caught.value)
