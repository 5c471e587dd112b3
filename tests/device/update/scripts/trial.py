# The trial: kept at the birth message's PUBACK, on the connection on which it was sent.
import struct

kept = Partition.kept


def connect(board):
    board.client.is_there = True
    board.client.counters["connects"] += 1
    board.updates.online()


def begin(**topics):
    kept.clear()
    board = Board(is_on_trial=True, topics=topics)
    assert board.indicator.override is not None
    board.client.is_there = False
    for _ in range(100):
        board.step()
    assert not kept
    connect(board)
    assert last(board.link.results())["state"] == "trial"
    assert last(board.link.states())["in_progress"] is True
    return board


board = begin()
session = board.client.session
for _ in range(100):
    board.step()
assert not kept and len(session.in_flight) == 1
board.client.is_there = False  # lost with the acknowledgement on its way
session.in_flight.clear()
board.step()
assert not kept
connect(board)
board.step()
assert not kept and len(session.in_flight) == 1
board.updates.online()  # Home Assistant has started: the birth message is still the same
board.step()
assert not kept and len(session.in_flight) == 1
session.in_flight.clear()
board.step()
assert len(kept) == 1
assert last(board.link.results())["state"] == "kept"
assert last(board.link.states())["update_percentage"] is None
board.check_rest()

# Without a status topic: the command topic is granted.
board = begin(status=b"")
for code in (None, 0x80, 1):
    assert not kept
    if code is not None:
        board.client.session.granted[b"c"] = code
    board.step()
assert kept

# The boot loader has come to this slot because the other one is damaged: it is not marked.
board = begin()
board.chosen = board.other
board.step()
board.client.session.in_flight.clear()
assert board.run(None) and not kept
assert slot.last_words() == "the boot loader has chosen the other slot"

# Nobody acknowledges.
for trial, minutes in ((60, 1), (300, 5), (3600, 60)):
    start = Time.now
    board = Board(is_on_trial=True, trial=trial)
    board.updates.online()
    assert board.run(None, seconds=2 * trial)
    assert trial * 1000 <= Time.now - start <= trial * 1000 + 30000
    assert slot.last_words() == "1.2.0 did not reach the broker in %d min" % minutes

# What the earlier firmware says of the fall, and goes on to say after the next reset.
FALLS = (
    (
        machine.PWRON_RESET,
        "power was cut, or too weak for the radio, during the trial; use another cable",
    ),
    (machine.WDT_RESET, "the program stopped, and the watchdog reset it"),
    (machine.HARD_RESET, "it failed, or reset was pressed during the trial; see the serial port"),
)
ABORTED = 4
choice = struct.pack("<L", 2)
Partition.entry = (
    choice + bytes(20) + struct.pack("<LL", ABORTED, binascii.crc32(choice, 0xFFFFFFFF))
)
for cause, reason in FALLS:
    board = Board()
    slot.start_next(board.other, "0badcafe ota_1 %s 1.3.0" % SHA256)
    for machine.reset_cause in (lambda: cause, lambda: machine.HARD_RESET):
        board.updates.is_introduced = False
        board.updates.online()
        result = last(board.link.results())
        assert (result["state"], result["code"]) == ("fell_back", "fell_back"), result
        assert (result["id"], result["version"], result["from"]) == ("0badcafe", "1.3.0", "1.2.0")
        assert result["reason"] == reason, result
Partition.entry = b""
board = Board()
slot.start_next(board.other, "0badcafe ota_1 %s 1.3.0" % SHA256)
board.updates.online()
assert last(board.link.results())["reason"] == "it was interrupted before the restart"

# The power went between the mark and the word of it.
board = Board()
slot.start_next(board.other, "0badcafe ota_0 %s 1.2.0" % SHA256)
board.updates.online()
assert last(board.link.results())["state"] == "kept" and slot.wanted() is None
print("ok")
