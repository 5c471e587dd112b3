# The failure table of docs/update.md, "What can go wrong", as far as it happens before the restart:
# IMAGE is what COMMANDS["good"] asks for; each row plays one update to its end.
PIECE = 2048


def flip(at):
    # A bit of the image turns on its way.
    def wish(offset, piece):
        index = 8 + at - offset
        if 8 <= index < len(piece):
            piece = piece[:index] + bytes((piece[index] ^ 1,)) + piece[index + 1 :]
        return piece

    return wish


def silent_from(start):
    return lambda offset, piece: piece if offset < start else None


def load_until(start):
    # Return a board that has loaded so much, and waits for the rest.
    board = Board()
    board.wish = silent_from(start)
    board.hear(COMMANDS["good"])
    for _ in range(100):
        board.answer(IMAGE)
        board.step()
    return board


def twice(offset, piece):
    return None if count(offset) == 1 else piece


asked = {}


def count(offset):
    asked[offset] = asked.get(offset, 0) + 1
    return asked[offset]


def nothing(board):
    pass


def no_second_slot(board):
    board.unreached = board.other  # what a board without it would have there
    board.other = None


def little_memory(board):
    Gc.free = 18 * 1024 + 500


def small_slot(board):
    board.other.data = bytearray(b"\xff" * BLOCK)


def same_build(board):
    board.running.data[176:208] = IMAGE[176:208]


def newer_idf(board):
    board.running.data[144:152] = b"v5.6.0\0\0"


def fell_back(board):
    slot.start_next(board.other, "0badcafe ota_1 %s 1.3.0" % SHA256)
    board.other.is_chosen = False


def dead_flash(board):
    board.other.is_dead = True


def stuck_bit(board):
    board.other.is_stuck = True


def not_whole(board):
    board.other.is_bad = True


def wishing(wish):
    def change(board):
        board.wish = wish

    return change


# name, command, settings, what is done first, state, code, reason, whether a sector may be erased
TABLE = (
    (
        "unsigned",
        "unsigned",
        {},
        nothing,
        "refused",
        "signature",
        "this image is not signed by a key that the board knows; see update.key",
        False,
    ),
    ("another key", "another key", {}, nothing, "refused", "signature", None, False),
    ("no key", "good", {"key": ""}, nothing, "refused", "signature", None, False),
    (
        "key file is missing",
        "good",
        {"key": "/none"},
        nothing,
        "refused",
        "signature",
        None,
        False,
    ),
    ("manifest changed", "changed", {}, nothing, "refused", "signature", None, False),
    (
        "no JSON",
        "no JSON",
        {},
        nothing,
        "refused",
        "command",
        "the command is not understood: no JSON",
        False,
    ),
    ("no UTF-8", "no UTF-8", {}, nothing, "refused", "command", None, False),
    (
        "no size",
        "no size",
        {},
        nothing,
        "refused",
        "command",
        "the command is not understood: size",
        False,
    ),
    ("no id", "no id", {}, nothing, "refused", "command", None, False),
    ("format 2", "format 2", {}, nothing, "refused", "command", None, False),
    ("version is a word", "version is a word", {}, nothing, "refused", "command", None, False),
    (
        "another board",
        "another board",
        {},
        nothing,
        "refused",
        "board",
        "the image is for bpi-bit, this is mpython",
        False,
    ),
    (
        "older",
        "older",
        {},
        nothing,
        "refused",
        "older",
        "the board runs 1.2.0; 1.1.9 is older",
        False,
    ),
    ("older by the command", "older by the command", {}, nothing, "refused", "older", None, False),
    (
        "older IDF",
        "good",
        {},
        newer_idf,
        "refused",
        "idf",
        "the image is built with ESP-IDF v5.5.1, the board runs v5.6.0; flash it by USB",
        False,
    ),
    ("same build", "good", {}, same_build, "refused", "same", "1.3.0 is what it runs", False),
    (
        "too large",
        "good",
        {},
        small_slot,
        "refused",
        "size",
        "%d bytes do not fit 4096" % len(IMAGE),
        False,
    ),
    (
        "fell back",
        "good",
        {},
        fell_back,
        "refused",
        "again",
        '1.3.0 fell back on this board; send "again": true to try it once more',
        False,
    ),
    (
        "never",
        "good",
        {"allow": "never"},
        nothing,
        "refused",
        "never",
        "update.allow is never",
        False,
    ),
    (
        "little memory",
        "good",
        {},
        little_memory,
        "refused",
        "memory",
        "only 18 KB free; handlers.py keeps too much",
        False,
    ),
    (
        "no second slot",
        "good",
        {},
        no_second_slot,
        "refused",
        "slot",
        "this board has no second slot; flash it by USB once",
        False,
    ),
    (
        "magic",
        "good",
        {},
        wishing(flip(0)),
        "refused",
        "image",
        "the file is not the one that was signed; use -app.bin",
        False,
    ),
    ("chip", "good", {}, wishing(flip(12)), "refused", "image", None, False),
    ("hash appended", "good", {}, wishing(flip(23)), "refused", "image", None, False),
    ("descriptor", "good", {}, wishing(flip(32)), "refused", "image", None, False),
    ("name", "good", {}, wishing(flip(50)), "refused", "image", None, False),
    (
        "silent from the start",
        "good",
        {},
        wishing(silent_from(0)),
        "failed",
        "silent",
        "no data for 2 min; 0 % had come",
        False,
    ),
    (
        "silent later",
        "good",
        {},
        wishing(silent_from(2 * BLOCK)),
        "failed",
        "silent",
        "no data for 2 min; 44 % had come",
        True,
    ),
    (
        "damaged on the way",
        "good",
        {},
        wishing(flip(len(IMAGE) - 1)),
        "failed",
        "digest",
        "the image was damaged on the way",
        True,
    ),
    (
        "flash takes nothing",
        "good",
        {},
        dead_flash,
        "failed",
        "flash",
        "the board's flash memory fails at block 0",
        True,
    ),
    ("flash keeps something else", "good", {}, stuck_bit, "failed", "flash", None, True),
    (
        "image is not whole",
        "good",
        {},
        not_whole,
        "failed",
        "verify",
        "the image is not whole",
        True,
    ),
)
# What ends in a restart.
GOOD = (
    ("good", "good", {}, nothing),
    ("each piece lost once", "good", {}, wishing(twice)),
    ("any", "unsigned", {"allow": "any"}, nothing),
    ("older is signed", "older is signed", {}, nothing),
    ("older and any", "older by the command", {"allow": "any"}, nothing),
    ("fell back, and again", "again", {}, fell_back),
)

for name, command, settings, change, state, code, reason, may_write in TABLE:
    board = Board(**settings)
    change(board)
    other = board.other or board.unreached
    blank = bytes(other.data)
    board.hear(COMMANDS[command])
    assert not board.run(IMAGES.get(command, IMAGE)), name
    result = last(board.link.results())
    assert (result["state"], result["code"]) == (state, code), (name, result)
    assert reason in (None, result["reason"]), (name, result)
    assert result["reason"], name
    assert (result["board"], result["percent"]) == ("mpython", None), (name, result)
    identifier = "" if command in ("no JSON", "no UTF-8", "no id") else "3f2a9c10"
    assert result["id"] == identifier, (name, result)
    assert not other.is_chosen, name
    assert may_write or other.erases == other.writes == 0, name
    assert may_write or bytes(other.data) == blank, name
    if state == "failed":
        state = last(board.link.states())
        assert state["in_progress"] is False and state["update_percentage"] is None, name
        assert slot.wanted() is None, name
    board.check_rest()

for name, command, settings, change in GOOD:
    board = Board(**settings)
    change(board)
    board.hear(COMMANDS[command])
    image = IMAGES.get(command, IMAGE)
    assert board.run(image), (name, board.link.results())
    assert bytes(board.other.data[: len(image)]) == image, name
    assert set(board.other.data[len(image) :]) == {0xFF}, name
    assert board.other.is_chosen and board.link.is_stopped, name
    assert board.other.erases == 0, name  # the slot was blank
    version = last(board.link.results())["version"]
    assert slot.wanted() == ["3f2a9c10", "ota_1", SHA256S.get(command, SHA256), version], name
    assert slot.last_words() == "", name
    states = [result["state"] for result in board.link.results()]
    assert states[:2] == ["checking", "loading"], states
    assert states[-2:] == ["testing", "restarting"], states
    assert set(states[1:-2]) == {"loading"}, states
    percents = [result["percent"] for result in board.link.results()[1:]]
    assert percents == sorted(percents) and percents[-1] == 100, percents

# A sector that is erased: once each, and not where the slot has the block already.
board = Board()
board.other.data[:] = b"\x5a" * len(board.other.data)
board.other.data[BLOCK : 2 * BLOCK] = IMAGE[BLOCK : 2 * BLOCK]
board.hear(COMMANDS["good"])
assert board.run(IMAGE)
assert board.other.erases == board.other.writes == 4  # of five blocks
assert bytes(board.other.data[: len(IMAGE)]) == IMAGE

# What was loaded before a cut is not written again.
board = Board()
board.wish = silent_from(3 * BLOCK)
board.hear(COMMANDS["good"])
board.run(IMAGE)
assert last(board.link.results())["code"] == "silent"
board.wish = None
written = board.other.writes
assert written == 2  # one of the three is blank
board.hear(COMMANDS["good"])
assert board.run(IMAGE) and board.other.writes == 4 and board.other.erases == 0

# The broker is gone for less than two minutes: the board goes on, and asks from where it was.
board = load_until(2 * BLOCK)
board.client.is_there = False
for _ in range(90):
    board.step(1000)
board.client.is_there = True
board.wish = None
board.step()
assert board.client.asked[0][1] == b"3f2a9c10 8192 2", board.client.asked
board.updates.online()
assert last(board.link.states())["update_percentage"] == 44
assert board.run(IMAGE)
assert [result["state"] for result in board.link.results()][-1] == "restarting"

# Asked again after 2 s, 4, 8, 15 and 15.
board = Board()
board.hear(COMMANDS["good"])
times = []
for _ in range(60):
    if board.client.asked:
        board.client.asked.clear()
        times.append(Time.now)
    board.step(1000)
assert [b - a for a, b in zip(times, times[1:])] == [2000, 4000, 8000, 15000, 15000], times

# Stale and foreign pieces are ignored.
board = Board()
board.hear(COMMANDS["good"])
board.step()
take = board.client.handlers[b"t/data"]
good = b"\x3f\x2a\x9c\x10" + bytes(4) + IMAGE[:PIECE]
for piece in (
    b"",
    b"\x3f",
    good[:8],
    good[:-1],
    good + b"x",
    b"\0" + good[1:],
    good[:7] + b"\1" + good[8:],
):
    take(b"t/data", piece)
    board.step()
assert not board.updates.work._source.received
for _ in range(9):  # nor more than the block has room for
    take(b"t/data", good)
assert board.updates.work._source.received == PIECE
board.hear(b"cancel")
assert board.run(IMAGE) is False
result = last(board.link.results())
assert (result["state"], result["code"], result["reason"]) == (
    "failed",
    "cancelled",
    "stopped at 0 %",
)
board.check_rest()

# A second command while one is under way, and one while on trial.
board = Board()
board.hear(COMMANDS["good"])
board.step()
board.hear(COMMANDS["second"])
result = last(board.link.results())
assert (result["id"], result["state"], result["code"]) == ("0000beef", "refused", "busy"), result
assert result["reason"] == "an update is under way: 0 %"
assert board.run(IMAGE)
board = Board(is_on_trial=True)
board.hear(COMMANDS["good"])
result = last(board.link.results())
assert (result["state"], result["code"]) == ("refused", "trial"), result
assert result["reason"] == "1.2.0 is still on trial; try again in 5 min", result
board.hear(b"cancel")
assert board.updates.work is not None

# Retained commands are ignored, and cancelling nothing does nothing.
board = Board()
board.hear(COMMANDS["good"], retained=True)
board.hear(b"install", retained=True)
board.hear(b"cancel")
assert not board.link.published
board.check_rest()

# While it loads, the radio stays awake, and the first LED is lit for as much of a second as has come.
board = load_until(2 * BLOCK)
assert not board.link.wifi.saves_power
colours = []
for _ in range(20):
    board.step()
    colours.append(board.indicator.override)
assert colours.count((0, 255, 0)) == 9 and colours.count((0, 0, 0)) == 11, colours  # 44 %
board.hear(b"cancel")
board.step()
board.check_rest()

# The program ends in the middle.
board = Board()
board.hear(COMMANDS["good"])
board.answer(IMAGE)
board.step()
board.updates.stop()
assert Sha256.held == 0 and board.link.wifi.saves_power

# No more than 25 states, the first and the last included.
board = Partition.board = None
real_gc.collect()
board = Board()
board.updates.online()
board.other = None
board.other = Flash("ota_1", 0x190000, blocks=24)
board.hear(COMMANDS["large"])
assert board.run(LARGE)
assert 20 <= len(board.link.states()) <= 23, len(board.link.states())
allowed = {"installed_version", "latest_version", "in_progress", "update_percentage"}
for state in board.link.states():
    assert set(state) == allowed, state
print("ok")
