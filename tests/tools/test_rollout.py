"""The rollout of an update, against boards that answer at once: no broker, no clock."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable

import pytest

from ci.board import ota
from ci.board.rollout import PIECE, Board, Rollout

IMAGE = bytes(range(256)) * 100 + b"end"
SIGNED = {"manifest": '{"version": "1.3.0"}', "signature": "c2lnbmVk"}


class FakeBoard:
    """Loads by docs/update.md, and ends as `verdict` says; "silent" never answers."""

    def __init__(self, verdict: str = "kept", code: str = "", reason: str = "") -> None:
        self.verdict, self.code, self.reason = verdict, code, reason
        self.commands: list[dict] = []
        self.image = b""
        self.cancelled = False
        self.said: list[tuple[str, bytes]] = []  # by topic's last level

    def _say(
        self, state: str, code: str = "", reason: str = "", percent: int | None = None
    ) -> None:
        values = {"id": self.commands[-1]["id"], "state": state, "code": code, "reason": reason}
        self.said.append(("result", json.dumps({**values, "percent": percent}).encode()))

    def _ask(self) -> None:
        request = f"{self.commands[-1]['id']} {len(self.image)} 2"
        self.said.append(("get", request.encode()))

    def take(self, last: str, payload: str | bytes) -> None:
        if last == "data":
            self._take_piece(payload)
        elif payload == "cancel":
            self.cancelled = True
        else:
            self.commands.append(json.loads(payload))
            if self.verdict == "silent":
                return
            self._say("checking")
            if self.verdict == "refused" or (
                self.code == "unreachable" and self.commands[-1]["source"] != "mqtt"
            ):
                self._say("failed" if self.code == "unreachable" else "refused", self.code, "why")
                return
            self._say("loading", percent=0)
            self._ask()

    def _take_piece(self, payload: bytes) -> None:
        offset = struct.unpack(">L", payload[4:8])[0]
        assert payload[:4].hex() == self.commands[-1]["id"] and len(payload) <= 8 + PIECE
        if offset == len(self.image):
            self.image += payload[8:]
            if len(self.image) < len(IMAGE):
                self._ask()
            else:
                for state in ("testing", "restarting", "trial"):
                    self._say(state)
                self._say(
                    self.verdict, "" if self.verdict == "kept" else self.verdict, self.reason
                )


class Class:
    """Boards and their rollout."""

    def __init__(self, fakes: list[FakeBoard], **options: object) -> None:
        self.fakes = {f"room/{number}/update": fake for number, fake in enumerate(fakes)}
        boards = [Board(topic, topic.removesuffix("/update")) for topic in self.fakes]
        self.rollout = Rollout(IMAGE, SIGNED, boards, self.publish, **options)
        self.most_at_once = 0
        self.now = 0.0

    def publish(self, topic: str, payload: str | bytes, qos: int) -> None:
        base, _, last = topic.rpartition("/")
        assert qos == (0 if last == "data" else 1)
        self.fakes[base].take(last, payload)

    def step(self) -> None:
        """Let each board say one thing."""
        self.rollout.step(self.now)
        active = sum(update.is_active for update in self.rollout.updates)
        self.most_at_once = max(self.most_at_once, active)
        for topic, fake in self.fakes.items():
            if fake.said:
                last, payload = fake.said.pop(0)
                self.rollout.hear(f"{topic}/{last}", payload, self.now)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        for _ in range(5000):
            if self.rollout.is_over or until():
                return
            self.step()
        raise AssertionError(self.rollout.updates)

    @property
    def states(self) -> list[str]:
        return [update.state for update in self.rollout.updates]


def test_board_gets_image_byte_for_byte() -> None:
    board = FakeBoard()
    room = Class([board])
    room.run()
    assert board.image == IMAGE
    assert room.states == ["kept"] and room.rollout.is_good
    (command,) = board.commands
    assert re.fullmatch("[0-9a-f]{8}", command["id"])
    assert command == {"id": command["id"], **SIGNED, "source": "mqtt", "again": False}


def test_first_board_is_alone_until_it_has_kept() -> None:
    room = Class([FakeBoard() for _ in range(9)], at_once=4)
    room.run(until=lambda: room.states[0] == "kept")
    assert room.states[1:] == ["waiting"] * 8
    room.run()
    assert room.states == ["kept"] * 9
    assert room.most_at_once == 4


def test_failure_of_first_board_spares_others() -> None:
    room = Class([FakeBoard("fell_back", reason="it hung"), FakeBoard()])
    room.run()
    assert room.states == ["fell_back", "waiting"]
    assert room.rollout.updates[0].reason == "it hung"
    assert not room.rollout.is_good


def test_failure_stops_new_ones_and_lets_others_end() -> None:
    fakes = [FakeBoard(), FakeBoard("failed"), FakeBoard(), *(FakeBoard() for _ in range(5))]
    room = Class(fakes, at_once=2)
    room.run()
    assert room.states == ["kept", "failed", "kept", *["waiting"] * 5]


def test_keep_going_is_alone_until_one_has_kept() -> None:
    room = Class([FakeBoard("failed"), FakeBoard("failed"), FakeBoard()], keep_going=True)
    room.run(until=lambda: room.states[1] == "failed")
    assert room.most_at_once == 1
    room.run()
    assert room.states == ["failed", "failed", "kept"]


def test_same_build_is_no_failure_and_no_proof() -> None:
    same = FakeBoard("refused", "same", "1.3.0 is what it runs")
    room = Class([same, FakeBoard(), FakeBoard(), FakeBoard()])
    room.run(until=lambda: "kept" in room.states)
    assert room.most_at_once == 1
    room.run()
    assert room.states == ["same", "kept", "kept", "kept"] and room.rollout.is_good


def test_refusal_has_boards_reason() -> None:
    room = Class([FakeBoard("refused", "signature")])
    room.run()
    assert (room.states, room.rollout.updates[0].reason) == (["refused"], "why")


def test_unreachable_url_goes_on_by_mqtt() -> None:
    board = FakeBoard(code="unreachable")
    room = Class([board], source="http://192.168.1.5:8000/x-app.bin")
    room.run()
    assert [command["source"] for command in board.commands] == [
        "http://192.168.1.5:8000/x-app.bin",
        "mqtt",
    ]
    assert board.commands[0]["id"] != board.commands[1]["id"]
    assert room.states == ["kept"]


def test_again_is_passed_on() -> None:
    board = FakeBoard()
    Class([board], again=True).run()
    assert board.commands[0]["again"] is True


@pytest.mark.parametrize(
    "state, seconds, words",
    [
        ("asked", 60, "does not answer"),
        ("loading", 180, "nothing heard"),
        ("trial", 400, "not come"),
    ],
)
def test_silent_board_is_given_up(state: str, seconds: int, words: str) -> None:
    room = Class([FakeBoard("silent")])
    room.step()
    update = room.rollout.updates[0]
    update.state = state
    room.now = seconds
    room.step()
    assert update.state == state
    room.now = seconds + 1
    room.step()
    assert update.state == "lost" and words in update.reason


def test_restarted_board_is_lost_at_once() -> None:
    room = Class([FakeBoard()])
    room.run(until=lambda: room.states == ["loading"])
    idle = b'{"id": "", "state": "idle", "code": "", "reason": ""}'
    room.rollout.hear("room/0/update/result", idle, 0)
    assert room.states == ["lost"] and "restarted" in room.rollout.updates[0].reason


def test_word_of_earlier_update_means_nothing() -> None:
    room = Class([FakeBoard("silent")])
    room.step()
    for state in ("kept", "idle", "failed"):
        old = json.dumps({"id": "00000000", "state": state, "code": "", "reason": ""})
        room.rollout.hear("room/0/update/result", old.encode(), 0)
    assert room.states == ["asked"]


@pytest.mark.parametrize(
    "request_text",
    [
        "",
        "x",
        "{id} 0",
        "{id} 0 1 ",
        "{id} -1 1",
        "{id} 0 -1",
        "00000000 0 1",
        "{id} 0 1\n",
        "{id} 9999999999 1",
    ],
)
def test_damaged_request_is_not_served(request_text: str) -> None:
    board = FakeBoard()
    room = Class([board])
    room.step()
    text = request_text.format(id=board.commands[0]["id"])
    room.rollout.hear("room/0/update/get", text.encode(), 0)
    assert board.image == b""


def test_request_is_served_up_to_four_pieces_and_end() -> None:
    board = FakeBoard("silent")
    room = Class([board])
    room.step()
    pieces: list[int] = []
    board.take = lambda last, payload: pieces.append(len(payload) - 8)  # type: ignore[method-assign]
    for first, count in ((0, 9), (24576, 4), (len(IMAGE), 4)):
        request = f"{board.commands[0]['id']} {first} {count}"
        room.rollout.hear("room/0/update/get", request.encode(), 0)
    assert pieces == [PIECE] * 4 + [len(IMAGE) - 24576]


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b'{"id": 1, "state": "kept"}'])
def test_damaged_result_means_nothing(payload: bytes) -> None:
    room = Class([FakeBoard("silent")])
    room.step()
    room.rollout.hear("room/0/update/result", payload, 0)
    room.rollout.hear("room/7/update/result", payload, 0)
    assert room.states == ["asked"]


@pytest.mark.parametrize("value", [None, [], {}, "x", 1e99, True])
def test_odd_values_in_result_do_no_harm(value: object) -> None:
    room = Class([FakeBoard("silent")])
    room.step()
    identifier = room.rollout.updates[0].id
    for key in ("percent", "reason", "code", "state"):
        result = {"id": identifier, "state": "loading", "code": "", "reason": "", "percent": 5}
        payload = json.dumps({**result, key: value}).encode()
        room.rollout.hear("room/0/update/result", payload, 0)
        assert isinstance(ota._line(room.rollout.updates[0]), str)
        ota.Progress().show(room.rollout.updates)


def test_words_of_boards_cannot_move_cursor() -> None:
    room = Class([FakeBoard("refused", "board")])
    room.run()
    room.rollout.updates[0].reason = "\x1b[2Jgone\n"
    assert ota._line(room.rollout.updates[0]).endswith("refused: [2Jgone")


def test_cancel_stops_those_that_load() -> None:
    fakes = [FakeBoard() for _ in range(4)]
    room = Class(fakes, at_once=3)
    room.run(until=lambda: room.states[0] == "kept" and room.states.count("loading") == 3)
    room.rollout.updates[3].state = "trial"
    (left,) = room.rollout.cancel()
    assert left.board.topic == "room/3/update"
    assert room.states == ["kept", "cancelled", "cancelled", "trial"]
    assert [fake.cancelled for fake in fakes] == [False, True, True, False]
