"""An update of many boards, as a state machine: first one, then some at a time (docs/update.md).

No input and no output: it is told what the boards publish and what time it is, and publishes by a
function that it is given.
"""

from __future__ import annotations

import json
import re
import secrets
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PIECE = 2048  # bytes of the image in a message
_MAX_COUNT = 4  # pieces asked for at once

# How long a board may say nothing, in seconds: to a command; while it loads, where it gives up by
# itself after 120; from its restart to the verdict, for which update.trial gives it 300.
_ANSWER = 60
_LOADING = 180
_VERDICT = 400

_REQUEST = re.compile(r"([0-9a-f]{8}) (\d{1,9}) (\d)")

# States of an update that are not the board's words (docs/update.md, "Result").
WAITING = "waiting"
ASKED = "asked"
SAME = "same"  # the board ran it already

_LOADS = (ASKED, "checking", "loading", "testing")
_RESTARTS = ("restarting", "trial")
_GOOD = ("kept", SAME)


@dataclass(frozen=True)
class Board:
    """A board as it shows itself: `topic` is its <t>, `name` what people call it."""

    topic: str
    name: str
    kind: str = ""  # mpython, bpi-bit
    version: str = ""
    last: str = ""  # what became of the last update, in words
    is_online: bool = True


@dataclass
class Update:
    """What has become of one board."""

    board: Board
    state: str = WAITING
    percent: int | None = None
    reason: str = ""
    id: str = ""
    source: str = "mqtt"
    heard: float = 0

    @property
    def is_active(self) -> bool:
        return self.state in _LOADS or self.state in _RESTARTS

    @property
    def is_good(self) -> bool:
        return self.state in _GOOD

    @property
    def is_bad(self) -> bool:
        return not (self.is_active or self.is_good or self.state == WAITING)


@dataclass
class Rollout:
    """The update of `boards` to `image`; `signed` is what its -app.json holds.

    publish:    called with topic, payload and QoS
    source:     where boards get the image: "mqtt", from here, or a URL
    at_once:    boards that load at a time, once the first has kept it
    keep_going: begin with others after a failure, too
    again:      have boards try it where it has fallen back
    """

    image: bytes
    signed: dict[str, str]
    boards: Iterable[Board]
    publish: Callable[[str, str | bytes, int], None]
    source: str = "mqtt"
    at_once: int = 4
    keep_going: bool = False
    again: bool = False

    def __post_init__(self) -> None:
        self.updates = [Update(board) for board in self.boards]
        self._by_topic = {update.board.topic: update for update in self.updates}
        self._is_cancelled = False

    @property
    def is_over(self) -> bool:
        return not any(update.is_active for update in self.updates) and not self._next()

    @property
    def is_good(self) -> bool:
        """Whether every board runs the image now."""
        return all(update.is_good for update in self.updates)

    # Time -----------------------------------------------------------------------------

    def step(self, now: float) -> None:
        """Begin with the boards whose turn it is, and give up those that say nothing any more."""
        for update in self.updates:
            if update.is_active:
                self._check_heard(update, now)
        while update := self._next():
            self._ask(update, self.source, now)

    def _next(self) -> Update | None:
        # The board to begin with now, if any: alone until one has kept the image.
        has_failed = any(update.is_bad for update in self.updates)
        if self._is_cancelled or (has_failed and not self.keep_going):
            return None
        is_proven = any(update.state == "kept" for update in self.updates)
        active = sum(update.is_active for update in self.updates)
        if active >= (self.at_once if is_proven else 1):
            return None
        return next((update for update in self.updates if update.state == WAITING), None)

    def _ask(self, update: Update, source: str, now: float) -> None:
        update.id = secrets.token_hex(4)
        update.source = source
        update.state = ASKED
        update.percent = None
        update.heard = now
        command = {"id": update.id, **self.signed, "source": source, "again": self.again}
        self.publish(f"{update.board.topic}/set", json.dumps(command), 1)

    def _check_heard(self, update: Update, now: float) -> None:
        silence = now - update.heard
        if update.state == ASKED and silence > _ANSWER:
            reason = "it does not answer; does this user have the right to start updates?"
        elif update.state in _LOADS and silence > _LOADING:
            reason = f"nothing heard of it for {_LOADING // 60} min; ask again when it is back"
        elif update.state in _RESTARTS and silence > _VERDICT:
            reason = "it has not come back after its restart; look at it"
        else:
            return
        self._end(update, "lost", reason)

    def _end(self, update: Update, state: str, reason: str = "") -> None:
        update.state = state
        update.percent = None
        update.reason = reason

    # What boards say ------------------------------------------------------------------

    def hear(self, topic: str, payload: bytes, now: float) -> None:
        """Act on a message on <t>/get or <t>/result; others mean nothing."""
        base, _, last = topic.rpartition("/")
        update = self._by_topic.get(base)
        if update is None or not update.is_active:
            return
        if last == "get":
            self._serve(update, payload, now)
        elif last == "result":
            self._follow(update, payload, now)

    def _serve(self, update: Update, request: bytes, now: float) -> None:
        match = _REQUEST.fullmatch(request.decode(errors="replace"))
        if match is None or match[1] != update.id or update.source != "mqtt":
            return
        update.heard = now
        first = int(match[2])
        for number in range(min(int(match[3]), _MAX_COUNT)):
            offset = first + number * PIECE
            piece = self.image[offset : offset + PIECE]
            if piece:
                head = bytes.fromhex(update.id) + struct.pack(">L", offset)
                self.publish(f"{update.board.topic}/data", head + piece, 0)

    def _follow(self, update: Update, payload: bytes, now: float) -> None:
        try:
            result = json.loads(payload)
            state, code, reason = (str(result[key]) for key in ("state", "code", "reason"))
        except (ValueError, KeyError, TypeError):
            return
        if result.get("id") != update.id:
            # A board that has just started, and knows nothing of the update.
            if state == "idle" and update.state in _LOADS and update.state != ASKED:
                self._end(update, "lost", "it was restarted before the image was whole; ask again")
            return
        update.heard = now
        if state in _LOADS or state in _RESTARTS:
            update.state = state
            percent = result.get("percent")
            update.percent = percent if isinstance(percent, int) else None
        elif state == "kept":
            self._end(update, "kept")
        elif code == "same":
            self._end(update, SAME, reason)
        elif code == "unreachable" and update.source != "mqtt":
            self._ask(update, "mqtt", now)
            update.reason = f"{reason}; it goes on by MQTT"
        else:
            self._end(update, state, reason)

    # The end --------------------------------------------------------------------------

    def cancel(self) -> list[Update]:
        """Stop those that load, begin with no other, and return those that cannot be stopped."""
        self._is_cancelled = True
        for update in self.updates:
            if update.state in _LOADS:
                self.publish(f"{update.board.topic}/set", "cancel", 1)
                self._end(update, "cancelled", "stopped by Ctrl-C")
        return [update for update in self.updates if update.is_active]
