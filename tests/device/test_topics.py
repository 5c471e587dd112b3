"""docs/topics.md: what it says of commands and states is what a board does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from ci.boards import load_board
from ci.build.board_facts import facts
from simulated_board import ROOT, SimulatedBoard
from tests.classroom import Person, settings, wait_subscribed
from tests.mosquitto import Mosquitto

PAGE = (ROOT / "docs" / "topics.md").read_text()


def test_documented_commands_are_understood(
    boot: Callable[..., SimulatedBoard], person: Person
) -> None:
    rows = PAGE.partition("## Commands")[2].partition("##")[0].splitlines()
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


def test_documented_info_is_what_board_tells(
    boot: Callable[..., SimulatedBoard], mosquitto: Mosquitto, board_name: str
) -> None:
    text = PAGE.partition("## What a board is")[2].partition("```json\n")[2].partition("```")[0]
    documented = json.loads(text)
    board = load_board(board_name)
    led = facts(board)
    configuration = settings(mosquitto)
    configuration["topics"]["groups"] = documented["groups"]
    simulated = boot(
        board_name, {**configuration, "label": "掌控板 7", "telemetry": {"buttons": True}}
    )
    topic = f"{board_name}/02514d000001/info"
    reader = Person(mosquitto, topic)  # it is retained
    told = json.loads(reader.receive(topic, 300))
    reader.close()
    assert set(told) == set(documented)
    assert told == {
        "id": "02514d000001",
        "board": board_name,
        "title": "掌控板 7",
        "version": told["version"],
        "ip": simulated.wait_line("wifi: connected").split()[3],
        "leds": {"n": led.LED_COUNT, "columns": led.LED_COLUMNS},
        "has": ["buttons"],
        "groups": documented["groups"],
    }
    assert len(text) <= 400 and told["version"]


def test_documented_state_is_command_and_state(
    boot: Callable[..., SimulatedBoard], person: Person
) -> None:
    state = PAGE.partition("## State")[2].partition("```json\n")[2].partition("```")[0].strip()
    board = boot()
    wait_subscribed(board)
    person.receive("light/state")
    person.publish("light", state)
    assert json.loads(person.receive("light/state")) == json.loads(state)
