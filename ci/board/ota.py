"""Update boards over the air: docs/update.md.

    python -m ci.board.ota mpython --broker host --list        the boards and their versions
    python -m ci.board.ota mpython --broker host --id ID       one board
    python -m ci.board.ota mpython --broker host --all         one, then the others
    python -m ci.board.ota mpython --broker host --offer       for Home Assistant's button

A password comes from the environment, MQTT_PASSWORD, or is asked for; it is no argument, for
arguments can be seen by everybody on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import secrets
import sys
import time
from pathlib import Path

from ci.board.broker import BrokerClient, find_password
from ci.board.rollout import Board, Rollout, Update
from ci.boards import load_board
from ci.image.images import DIST
from ci.image.signing import image_name, load_key, read_manifest, signed_manifest
from ci.problem import Problem, run

# The boards' default, `{name}/{id}/update`; status is `{name}/{id}/status`.
_FILTERS = ["+/+/update/state", "+/+/update/result", "+/+/update/get", "+/+/status"]
_SETTLED = 2  # s without another retained message: all have come
_MAX_SETTLING = 20
_REDRAW = 0.5  # s


# The image ----------------------------------------------------------------------------------


def find_image(board: str, dist: Path) -> Path:
    """Return the -app.bin of a board in dist/. Raises Problem unless there is just one."""
    found = sorted(dist.glob(f"{board}-v*-app.bin"))
    if len(found) != 1:
        raise Problem(
            f"{dist} holds {len(found) or 'no'} images {board}-v...-app.bin: type "
            f"`make build BOARD={board}`, or give FILE="
        )
    return found[0]


def load_image(board: str, file: str, key: str) -> tuple[bytes, dict[str, str]]:
    """Return an image and its signed manifest, for `board`; `key` signs it in place of what is there.

    Raises Problem if the image is for another board, or the manifest for another image.
    """
    path = Path(file) if file else find_image(board, DIST)
    try:
        image = path.read_bytes()
    except OSError as error:
        raise Problem(f"FILE={path} cannot be read: {error.strerror}") from error
    kind, _ = image_name(image, path.name)
    if kind != board:
        raise Problem(
            f"{path.name} is for {kind}, not for {board}: give the other BOARD= or FILE="
        )
    manifest = path.with_suffix(".json")
    signed: dict[str, str] = {}
    if manifest.exists() and not key:
        signed = read_manifest(manifest, image)
    if "signature" not in signed:
        signed = signed_manifest(image, load_key(key), path.name)
    if "signature" not in signed:
        print(
            f'{path.name} is not signed: only boards with update.allow "any" will take it '
            "(`make ota-key` makes a key)"
        )
    return image, signed


# The boards ---------------------------------------------------------------------------------


def find_boards(client: BrokerClient) -> list[Board]:
    """Return the boards that have told of themselves in retained messages, by name."""
    told: dict[str, str] = {}
    deadline = time.monotonic() + _MAX_SETTLING
    with contextlib.suppress(queue.Empty):
        while time.monotonic() < deadline:
            message = client.messages.get(timeout=_SETTLED)
            if message.payload:
                told[message.topic] = message.payload.decode(errors="replace")
    topics = sorted(
        topic.removesuffix("/result") for topic in told if topic.endswith("/update/result")
    )
    return [_board(topic, told) for topic in topics]


def _values(text: str) -> dict[str, object]:
    with contextlib.suppress(ValueError):
        values = json.loads(text)
        if isinstance(values, dict):
            return values
    return {}


def _board(topic: str, told: dict[str, str]) -> Board:
    base = topic.removesuffix("/update")
    result = _values(told[f"{topic}/result"])
    state = _values(told.get(f"{topic}/state", ""))
    version = state.get("installed_version") or result.get("version") or "?"
    last = str(result.get("state") or "?").replace("_", " ")
    if reason := result.get("reason"):
        last += f": {reason}"
    return Board(
        topic,
        base,
        str(result.get("board") or "?"),
        str(version),
        last,
        told.get(f"{base}/status") != "offline",
    )


def _printable(text: str) -> str:
    # Boards, or whoever is at the broker, have written it.
    return "".join(filter(str.isprintable, text))


def print_boards(boards: list[Board]) -> None:
    rows = [("board", "is a", "runs", "", "last update")]
    for board in boards:
        online = "online" if board.is_online else "not there"
        rows.append((board.name, board.kind, board.version, online, board.last))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths))
        print(_printable(line.rstrip()))


def choose_boards(boards: list[Board], kind: str, wanted: str, every: bool) -> list[Board]:
    """Return the boards to update: the one called `wanted`, or every one that is there.

    Raises Problem with what there is, if that leaves none or it is not clear.
    """
    of_kind = [board for board in boards if board.kind == kind]
    names = ", ".join(board.name for board in of_kind) or "none"
    if every:
        chosen = [board for board in of_kind if board.is_online]
        if not chosen:
            raise Problem(f"no {kind} is online; the broker knows {names}")
        for board in of_kind:
            if not board.is_online:
                print(f"{board.name}: not there, left out")
        return chosen
    if not wanted:
        raise Problem(f"say which board: ID=..., or ALL=1; the broker knows {names}")
    chosen = [board for board in of_kind if wanted in (board.name, *board.name.split("/"))]
    if len(chosen) != 1:
        raise Problem(f"ID={wanted} names {len(chosen) or 'no'} {kind}; the broker knows {names}")
    if not chosen[0].is_online:
        raise Problem(f"{chosen[0].name} is not there; switch it on, then try again")
    return chosen


# Progress -----------------------------------------------------------------------------------


class Progress:
    """One line a board: redrawn on a terminal, else printed at each change worth telling."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._height = 0
        self._told: dict[str, str] = {}

    def show(self, updates: list[Update]) -> None:
        if self._is_terminal:
            if self._height:
                print(f"\x1b[{self._height}A", end="")
            for update in updates:
                print(f"{_line(update)[:79]}\x1b[K")
            self._height = len(updates)
        else:
            for update in updates:
                self._tell(update)
        sys.stdout.flush()

    def _tell(self, update: Update) -> None:
        # A quarter is worth a line, a percent is not.
        what = f"{update.state} {(update.percent or 0) // 25} {update.reason}"
        if update.state != "waiting" and self._told.get(update.board.name) != what:
            self._told[update.board.name] = what
            print(_line(update))


def _line(update: Update) -> str:
    percent = f" {update.percent} %" if update.state == "loading" and update.percent else ""
    reason = f": {update.reason}" if update.reason else ""
    state = update.state.replace("_", " ")
    return _printable(f"{update.board.name}  {state}{percent}{reason}")


def roll_out(client: BrokerClient, rollout: Rollout) -> bool:
    """Update all boards of `rollout`; return whether all run the image. Ctrl-C stops it."""
    progress = Progress()
    shown = 0.0
    try:
        while not rollout.is_over:
            now = time.monotonic()
            rollout.step(now)
            if now - shown >= _REDRAW:
                progress.show(rollout.updates)
                shown = now
            with contextlib.suppress(queue.Empty):
                message = client.messages.get(timeout=_REDRAW)
                if not message.retain:
                    rollout.hear(message.topic, message.payload, time.monotonic())
    except KeyboardInterrupt:
        left = rollout.cancel()
        progress.show(rollout.updates)
        for update in left:
            print(f"{update.board.name}: restarts into the new firmware; it cannot be stopped")
        raise
    progress.show(rollout.updates)
    return rollout.is_good


def summary(rollout: Rollout) -> str:
    """Return the outcome in one line, such as `28 kept, 1 failed, 1 not begun`."""
    counts: dict[str, int] = {}
    for update in rollout.updates:
        word = {"waiting": "not begun", "same": "ran it already"}.get(update.state, update.state)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counts.items())


# The command --------------------------------------------------------------------------------


def offer(client: BrokerClient, kind: str, signed: dict[str, str], url: str) -> None:
    """Publish the offer that boards take when somebody asks for it, as Home Assistant does."""
    if not url:
        raise Problem(
            "give the image's address, which boards will fetch: URL=http://192.168.1.5:8000/"
            f"{kind}-v1.2.3-app.bin"
        )
    command = {"id": secrets.token_hex(4), **signed, "source": url}
    client.publish_and_wait(f"{kind}/update/offer", json.dumps(command), retain=True)
    version = json.loads(signed["manifest"])["version"]
    print(f"{version} is offered to every {kind}; NONE=1 takes the offer back")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="ota", description="Update boards over the air.")
    parser.add_argument("board", nargs="?", default="")
    for name in ("broker", "id", "file", "url", "key", "user", "tls"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--at-once", default="")
    for name in ("all", "list", "keep-going", "again", "offer", "none"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args(arguments)
    kind = load_board(options.board).name
    if not options.broker:
        raise Problem("say where the broker is, that boards and this program use: BROKER=host")
    at_once = options.at_once or "4"
    if not at_once.isdigit() or not 1 <= int(at_once) <= 100:
        raise Problem(f"AT_ONCE={at_once} is not a number from 1 to 100")
    image, signed = b"", {}
    if not (options.list or options.none):
        image, signed = load_image(kind, options.file, options.key)
    password = find_password(options.user) if options.user else ""
    filters = [] if options.offer else _FILTERS
    with BrokerClient(options.broker, filters, options.user, password, options.tls) as client:
        if options.none:
            client.publish_and_wait(f"{kind}/update/offer", b"", retain=True)
            print(f"nothing is offered to any {kind} any more")
        elif options.offer:
            offer(client, kind, signed, options.url)
        elif options.list:
            print_boards(find_boards(client))
        else:
            boards = choose_boards(find_boards(client), kind, options.id, options.all)
            rollout = Rollout(
                image,
                signed,
                boards,
                lambda topic, payload, qos: client.publish(topic, payload, qos),
                source=options.url or "mqtt",
                at_once=int(at_once),
                keep_going=options.keep_going,
                again=options.again,
            )
            is_good = roll_out(client, rollout)
            print(summary(rollout))
            if not is_good:
                sys.exit(1)


if __name__ == "__main__":
    run(main)
