"""docs/topics.md: what it says of commands and states is what a board does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from simulated_board import ROOT, SimulatedBoard
from tests.classroom import Person, wait_subscribed

PAGE = (ROOT / "docs" / "topics.md").read_text()


def test_documented_commands_are_understood(
    boot: Callable[..., SimulatedBoard], person: Person
) -> None:
    rows = PAGE.partition("## Commands")[2].partition("## State")[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    commands = [command for cell in cells for command in re.findall("`([^`]+)`", cell)]
    assert {"toggle", "red", "#f80", "stats", "restart"} < set(commands)
    commands.remove("restart")  # which is understood in test_discovery.py
    board = boot()
    wait_subscribed(board)
    for command in commands:
        person.publish("light", command.upper())
    person.publish("light", "17%")
    board.wait_line("lights: on #ff8000 17%")
    assert not any("is not understood" in line for line in board.lines)


def test_documented_state_is_command_and_state(
    boot: Callable[..., SimulatedBoard], person: Person
) -> None:
    state = PAGE.partition("## State")[2].partition("```json\n")[2].partition("```")[0].strip()
    board = boot()
    wait_subscribed(board)
    person.receive("light/state")
    person.publish("light", state)
    assert json.loads(person.receive("light/state")) == json.loads(state)
