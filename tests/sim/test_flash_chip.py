"""The simulated board's flash chip and boot loader: slots, trial and power cuts as on the chip."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from boot_loader import ABORTED, PENDING_VERIFY, VALID, read_entries
from ci.boards import Board
from flash_chip import FlashAbuse, FlashChip, NorFlash, PowerCut, make_chip
from simulated_board import BoardError, SimulatedBoard
from tests.images.fake_build import make_application

pytestmark = pytest.mark.simulator

PRELUDE = """\
import machine, os
from esp32 import NVS, Partition

running = Partition(Partition.RUNNING)
other = running.get_next_update()

def copy_running():
    buffer = bytearray(4096)
    for block in range(16):
        running.readblocks(block, buffer)
        other.writeblocks(block, buffer)
    other.set_boot()

def is_first_start():
    return os.getenv("SIM_RESET_CAUSE") is None

def code_of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
"""


@pytest.fixture
def chip(some_board: Board, tmp_path: Path) -> FlashChip:
    """A chip with an application in its first slot."""
    return make_chip(some_board, tmp_path / "chip.bin", make_application(some_board, "1.2.3"))


def run(chip: FlashChip, code: str, **environment: str) -> list[str]:
    """Run a program on the board until it ends, resets included; return what it has printed."""
    script = chip.path.with_name("script.py")
    script.write_text(PRELUDE + code)
    with SimulatedBoard(
        arguments=(str(script),), flash_chip=chip.path, environment=environment
    ) as board:
        with contextlib.suppress(BoardError):
            board.wait_line("no program prints this", timeout=120)
        assert board.process.poll() is not None, board.tail()
        return board.lines


def states(chip: FlashChip) -> list[int]:
    (otadata,) = [region for region in chip.layout.partitions if region.name == "otadata"]
    return [entry.state for entry in read_entries(NorFlash(chip.data), otadata)]


def test_first_start_notes_first_slot_as_kept(chip: FlashChip) -> None:
    assert run(chip, "print(running.info()[4], other.info()[4])") == ["ota_0 ota_1"]
    assert states(chip)[0] == VALID


TRIAL = """
print(running.info()[4], Partition(Partition.BOOT).info()[4])
if is_first_start():
    copy_running()
    machine.reset()
"""


def test_new_slot_runs_once_on_trial(chip: FlashChip) -> None:
    assert run(chip, TRIAL) == ["ota_0 ota_0", "ota_1 ota_1"]
    assert states(chip) == [VALID, PENDING_VERIFY]


def test_reset_without_keeping_goes_back(chip: FlashChip) -> None:
    run(chip, TRIAL)
    assert run(chip, "print(running.info()[4])") == ["ota_0"]
    assert states(chip) == [VALID, ABORTED]


def test_kept_slot_stays(chip: FlashChip) -> None:
    run(chip, TRIAL + "else:\n    Partition.mark_app_valid_cancel_rollback()\n")
    assert run(chip, "print(running.info()[4])") == ["ota_1"]
    assert states(chip) == [VALID, VALID]


def test_soft_reset_stays_in_slot(chip: FlashChip) -> None:
    code = "print(running.info()[4])\nif is_first_start():\n    copy_running()\n"
    assert run(chip, code + "    import _sim\n    _sim.soft_reset()\n")[::2] == ["ota_0", "ota_0"]


def test_damaged_slot_is_passed_over(chip: FlashChip) -> None:
    run(chip, TRIAL + "else:\n    Partition.mark_app_valid_cancel_rollback()\n")
    chip.data[chip.layout.applications[1].offset + 5000] ^= 1
    assert run(chip, "print(running.info()[4])") == ["ota_0"]


def test_no_whole_slot_leaves_board_dark(chip: FlashChip) -> None:
    chip.install(b"")
    assert "finds no whole application" in run(chip, "print('alive')")[0]


def test_damaged_image_is_not_chosen(chip: FlashChip) -> None:
    code = "other.writeblocks(0, bytearray(4096))\nprint(code_of(other.set_boot))"
    assert run(chip, code) == ["-5379"]
    assert states(chip)[0] == VALID


@pytest.mark.parametrize("place", [32, 60_000, -1])
def test_flipped_bit_is_found(chip: FlashChip, place: int, some_board: Board) -> None:
    image = bytearray(make_application(some_board, "1.2.4"))
    image[place] ^= 4
    chip.install(image, slot=1)
    assert run(chip, "print(code_of(other.set_boot))") == ["-5379"]


@pytest.mark.parametrize(
    "call, words",
    [
        ("other.writeblocks(0, bytes(16), 0); other.writeblocks(0, b'x' * 16, 0)", "not erased"),
        ("running.writeblocks(1, bytes(4096))", "slot that the program runs from"),
        ("running.ioctl(6, 1)", "slot that the program runs from"),
    ],
)
def test_abuse_ends_program(chip: FlashChip, call: str, words: str) -> None:
    lines = run(chip, f"{call}\nprint('alive')")
    assert words in lines[-1] and "alive" not in lines


def test_limits_are_those_of_port(chip: FlashChip) -> None:
    code = """
size = other.info()[3]
blocks = other.ioctl(4, 0)
print(blocks * 4096 == size, other.ioctl(5, 0), other.ioctl(6, 0), other.ioctl(9, 0))
print(code_of(other.writeblocks, 0, bytes(100)), code_of(other.writeblocks, blocks, bytes(4096)))
print(code_of(other.writeblocks, blocks + 1, bytes(4096)))
print(code_of(other.readblocks, blocks - 1, bytearray(4096), 1), code_of(Partition, "none"))
print([p.info()[4] for p in Partition.find()], Partition("otadata").info()[:4])
print(Partition.find(Partition.TYPE_DATA, label="nvs")[0].info()[1])
"""
    assert run(chip, code) == [
        "True 4096 0 None",
        "-260 -260",
        "-258",
        "-260 2",
        "['ota_0', 'ota_1'] (1, 0, 53248, 8192)",
        "2",
    ]


def test_board_without_chip_has_no_slots(tmp_path: Path, micropython: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PRELUDE.replace("other =", "# ") + """
print(running.info()[4], code_of(running.get_next_update), code_of(running.set_boot))
print(code_of(Partition.mark_app_valid_cancel_rollback), code_of(Partition, Partition.BOOT))
""")
    with SimulatedBoard(arguments=(str(script),)) as board:
        board.wait_line("factory 2 -5379")
        board.wait_line("-261 2")


# Values -----------------------------------------------------------------------------------


def test_values_survive_reset(chip: FlashChip) -> None:
    code = """
values, more = NVS("update"), NVS("more")
if is_first_start():
    print(code_of(values.get_i32, "a"), code_of(values.erase_key, "a"), code_of(NVS, "x" * 16))
    values.set_i32("a", -5)
    values.set_blob("b", b"want")
    more.set_i32("a", 7)
    values.commit()
    machine.reset()
buffer = bytearray(6)
print(values.get_i32("a"), values.get_blob("b", buffer), buffer, more.get_i32("a"))
print(code_of(values.get_blob, "b", bytearray(3)), code_of(values.get_i32, "b"))
values.erase_key("a")
print(code_of(values.get_i32, "a"))
"""
    assert run(chip, code) == [
        "-4354 -4354 -4361",
        "-5 4 bytearray(b'want\\x00\\x00') 7",
        "-4364 -4354",
        "-4354",
    ]


@pytest.mark.parametrize("tear", ["0", "99"])
@pytest.mark.parametrize("cut", ["1", "2"])  # the erase, the write
def test_cut_while_value_is_set_leaves_old(chip: FlashChip, cut: str, tear: str) -> None:
    run(chip, 'NVS("update").set_i32("a", 1)')
    run(chip, 'NVS("update").set_i32("a", 2)', SIM_CUT=cut, SIM_TEAR=tear)
    assert run(chip, 'print(NVS("update").get_i32("a"))') == ["1"]


# Power cuts -------------------------------------------------------------------------------


def test_count_goes_on_over_reset(chip: FlashChip) -> None:
    run(chip, "")  # the boot loader's first two operations
    # 16 sectors erased and written, two operations for the choice, and the loader's own two.
    assert run(chip, TRIAL, SIM_CUT="36") == ["ota_0 ota_0"]
    assert states(chip)[1] != PENDING_VERIFY


@pytest.mark.parametrize("tear", [0, 50, 100])
@pytest.mark.parametrize("cut", [1, 2])
def test_torn_operations_are_same_on_both_sides(chip: FlashChip, cut: int, tear: int) -> None:
    run(chip, "")
    address = chip.layout.applications[1].offset
    chip.data[address : address + 4096] = bytes(range(256)) * 16
    expected = NorFlash(bytearray(chip.data), cut, tear)
    with pytest.raises(PowerCut):
        expected.erase(address)
        expected.write(address, b"new content" * 300)
    code = "other.ioctl(6, 0)\nother.writeblocks(0, b'new content' * 300, 0)\nprint('alive')"
    assert run(chip, code, SIM_CUT=str(cut), SIM_TEAR=str(tear)) == []
    assert chip.data[:] == bytes(expected.data)


def test_host_refuses_write_without_erase() -> None:
    flash = NorFlash(bytearray(b"\xff" * 8192))
    flash.write(0, b"\x0f")
    with pytest.raises(FlashAbuse):
        flash.write(0, b"\x10")
    with pytest.raises(FlashAbuse):
        flash.erase(100)


# Bad images -------------------------------------------------------------------------------

BAD = {
    "panic": "Guru Meditation Error",
    "exception": "RuntimeError: this image is bad",
    "badconfig": "config: this image does not accept the file",
}


@pytest.mark.parametrize("how", BAD)
def test_bad_image_fails_in_its_way(
    chip: FlashChip, some_board: Board, tmp_path: Path, how: str
) -> None:
    chip.install(make_application(some_board, "1.2.4", bad=how))
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "config.json").write_text('{"wifi": {"ssid": "class"}, "mqtt": {"server": "x"}}')
    with SimulatedBoard(some_board.name, flash=flash, flash_chip=chip.path) as board:
        board.wait_line(BAD[how])


def test_board_says_version_of_its_image(chip: FlashChip, some_board: Board) -> None:
    with SimulatedBoard(some_board.name, flash_chip=chip.path) as board:
        board.wait_line(f"boot: {some_board.name} 1.2.3")
