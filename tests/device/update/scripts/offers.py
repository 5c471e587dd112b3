# Offers, and what Home Assistant sees: one state after each CONNACK and at each change, with its keys only.
import machine

OFFER = b"mpython/update/offer"
machine.unique_id = lambda: bytes((2, 0x51, 0x4D, 0, 0, 128))
KEYS = {"installed_version", "latest_version", "in_progress", "update_percentage"}


def offer(board, message, retained=True):
    # A board shows it in its own part of 300 ms; this one's id ends with 0x80.
    board.hear(message, OFFER, retained)
    if board.updates.offered_at is not None:
        states = len(board.link.states())
        Time.now += 149
        board.updates.step(Time.now)
        assert len(board.link.states()) == states
        Time.now += 1
        board.updates.step(Time.now)
        assert len(board.link.states()) == states + 1


def versions(board):
    state = last(board.link.states())
    assert set(state) == KEYS, state
    return state["installed_version"], state["latest_version"]


board = Board()
assert set(board.client.handlers) == {b"t/set", OFFER}
board.updates.online()
assert versions(board) == ("1.2.0", "1.2.0")
assert last(board.link.states())["in_progress"] is False
assert last(board.link.states())["update_percentage"] is None
assert [result["state"] for result in board.link.results()] == ["idle"]
idle = board.link.results()[0]
assert idle == {
    "id": "",
    "board": "mpython",
    "state": "idle",
    "version": "1.2.0",
    "from": "",
    "percent": None,
    "reason": "",
    "code": "",
}, idle

# An offer is shown once; it comes again after each CONNACK.
offer(board, COMMANDS["good"])
assert versions(board) == ("1.2.0", "1.3.0") and len(board.link.states()) == 2
board.updates.online()
offer(board, COMMANDS["good"])
assert versions(board) == ("1.2.0", "1.3.0") and len(board.link.states()) == 3
assert len(board.link.results()) == 1  # `idle` was the first word after the start
assert not [name for name in sys.modules if name.startswith("device.update.")]

# Taken back; or of no use here.
offer(board, b"")
assert versions(board) == ("1.2.0", "1.2.0")
for name in ("another board", "older", "older by the command"):
    offer(board, COMMANDS["good"])
    offer(board, COMMANDS[name])
    assert versions(board) == ("1.2.0", "1.2.0"), name
for name in ("no JSON", "no UTF-8", "no size"):
    states = len(board.link.states())
    offer(board, COMMANDS[name])
    assert len(board.link.states()) == states, name
offer(board, COMMANDS["older is signed"])
assert versions(board) == ("1.2.0", "1.1.9")

# `install` asks for the offer once more, and takes it.
board = Board()
board.updates.online()
board.hear(b"install")
assert last(board.link.results())["code"] == "offer"
assert last(board.link.results())["reason"] == "nothing is offered for mpython"
offer(board, COMMANDS["good"])
board.hear(b"INSTALL")
assert board.client.subscribed == [OFFER] and board.updates.work is None
offer(board, COMMANDS["good"])
assert board.run(IMAGE) and board.other.is_chosen
assert last(board.link.results())["state"] == "restarting"

# An offer that comes by itself installs nothing.
board = Board()
offer(board, COMMANDS["good"], retained=False)
assert board.updates.work is None and versions(board) == ("1.2.0", "1.3.0")

# What is offered is checked when it is installed.
board = Board()
offer(board, COMMANDS["unsigned"])
board.hear(b"install")
offer(board, COMMANDS["unsigned"])
assert last(board.link.results())["code"] == "signature"

# The same bad build is not offered again; a person who says so may still have it.
board = Board()
slot.start_next(board.other, "0badcafe ota_1 %s 1.3.0" % SHA256)
board.updates.online()
assert last(board.link.results())["state"] == "fell_back"
offer(board, COMMANDS["good"])
assert versions(board) == ("1.2.0", "1.2.0")
board.hear(b"install")
offer(board, COMMANDS["good"])
assert last(board.link.results())["code"] == "again"
offer(board, COMMANDS["again"])
assert versions(board) == ("1.2.0", "1.3.0")

board = Board(allow="never")
board.updates.online()
offer(board, COMMANDS["good"])
assert versions(board) == ("1.2.0", "1.2.0")

# Switched off.
board = Board(topics={"update": b""})
board.updates.online()
assert not board.client.handlers and not board.link.published
print("ok")
