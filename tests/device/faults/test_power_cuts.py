"""Power cuts at every operation on the flash, and again in the next boot: no brick, the right verdict.

The model is the firmware's own code (slots_model.py). FULL=1 (`make faults`) plays all histories and
tears.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from ci.boards import Board
from flash_chip import PowerCut
from tests.device.faults.slots_model import Firmware, Image, Reset, blank_flash, make_image
from tests.long_form import FULL

# What became of the images before: g was kept, b fell back.
HISTORIES = ("", "g", "b", "gg", "gb", "bg", "bb") if FULL else ("gb",)
TEARS = (0, 50, 100) if FULL else (0, 50)  # percent of the operation that are done


class Bench:
    """A board's firmware, its images, and what has been counted."""

    def __init__(self, board: Board) -> None:
        self.firmware = Firmware(board)
        self.first = make_image(board, "1.0.0")
        self.images = {
            letter: [make_image(board, f"1.{number}.0", letter == "g") for number in range(1, 5)]
            for letter in "gb"
        }
        self.counts: Counter[str] = Counter()


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Bench:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIM_FLASH_CHIP", "the model's")
        patch.setenv("SIM_SLOT", "")
        yield Bench(request.getfixturevalue("some_board"))


def settle(bench: Bench, image: Image) -> str:
    """Let the board start until it no longer resets itself; return the version that runs then.

    On trial it does what `image` does, the only one that can be.
    """
    firmware = bench.firmware
    for _ in range(4):
        version = firmware.boot()
        assert version is not None, "a brick"
        if not firmware.slot.is_on_trial():
            return version
        assert version == image.version
        try:
            firmware.try_out(image)
        except Reset:
            continue
        return version
    raise AssertionError("it resets itself forever")


def update(bench: Bench, image: Image) -> None:
    """Update as far as the power lets it: from the command to the verdict."""
    with pytest.raises(Reset):
        bench.firmware.update(image)
    settle(bench, image)


def flash_after(bench: Bench, history: str) -> tuple[bytes, str]:
    """Return the flash after a history, and the version that runs then."""
    firmware = bench.firmware
    with firmware.on(blank_flash(bench.first)):
        running = settle(bench, bench.first)
        for number, letter in enumerate(history):
            image = bench.images[letter][number]
            update(bench, image)
            expected = image.version if image.is_good else running
            running = settle(bench, image)
            assert running == expected
            firmware.introduce()
        return bytes(firmware.flash.data), running


def operations(bench: Bench, flash: bytes, work: Callable[[], object]) -> int:
    """Return how many operations `work` takes on a copy of `flash`."""
    with bench.firmware.on(flash):
        bench.firmware.boot()
        bench.firmware.with_cut(0, 50)
        work()
        return bench.firmware.flash.operations


def cut_in_update(bench: Bench, flash: bytes, image: Image, cut: int, tear: int) -> bytes:
    """Return the flash after a power cut at an operation of an update."""
    with bench.firmware.on(flash):
        bench.firmware.boot()
        bench.firmware.with_cut(cut, tear)
        with pytest.raises(PowerCut):
            update(bench, image)
        return bytes(bench.firmware.flash.data)


def cut_again(bench: Bench, torn: bytes, image: Image) -> Iterator[bytes]:
    """Yield the flash after each power cut in the start that follows, and after none."""
    yield torn
    with bench.firmware.on(torn):
        settle(bench, image)
        count = bench.firmware.flash.operations
    for cut, tear in itertools.product(range(1, count + 1), TEARS):
        with bench.firmware.on(torn, cut, tear):
            with pytest.raises(PowerCut):
                settle(bench, image)
            bench.counts["cut twice"] += 1
            yield bytes(bench.firmware.flash.data)


def check(bench: Bench, torn: bytes, image: Image, running: str) -> None:
    """The board that starts with this flash runs what it may, says so, and takes an update."""
    firmware = bench.firmware
    with firmware.on(torn):
        version = settle(bench, image)
        bench.counts["runs"] += 1
        assert version in ((running, image.version) if image.is_good else (running,))
        told = firmware.introduce()
        bench.counts[told["state"]] += 1
        assert (told["state"] == "kept") <= (version == image.version)
        assert (told["state"] == "fell_back") <= (version == running)
        assert firmware.boot() == version and not firmware.slot.is_on_trial()
        last = bench.images["g"][3]
        update(bench, last)
        assert firmware.boot() == last.version
        partition = firmware.esp32.Partition
        boot = partition(partition.BOOT).info()
        assert boot == partition(partition.RUNNING).info()


@pytest.mark.parametrize("letter", ["g", "b"], ids=["good", "bad"])
@pytest.mark.parametrize("history", HISTORIES)
def test_no_cut_bricks(
    bench: Bench, history: str, letter: str, report: Callable[[str, str], None]
) -> None:
    flash, running = flash_after(bench, history)
    image = bench.images[letter][2]
    count = operations(bench, flash, lambda: update(bench, image))
    assert count > 20
    bench.counts.clear()
    for cut, tear in itertools.product(range(1, count + 1), TEARS):
        torn = cut_in_update(bench, flash, image, cut, tear)
        for flash_then in cut_again(bench, torn, image):
            check(bench, flash_then, image, running)
    assert bench.counts["cut twice"] > 0
    told = ", ".join(f"{state} {number}" for state, number in sorted(bench.counts.items()))
    report(f"power cuts, {letter} after {history or 'nothing'}", f"{count} operations; {told}")


@pytest.mark.parametrize("history", ["", "g"])
def test_slot_that_rots_after_choice_falls_back(bench: Bench, history: str) -> None:
    flash, running = flash_after(bench, history)
    firmware = bench.firmware
    image = bench.images["g"][2]
    with firmware.on(flash):
        firmware.boot()
        with pytest.raises(Reset):
            firmware.update(image)
        other = firmware.slot.other().info()[2]
        firmware.flash.data[other + 6000] ^= 1
        assert firmware.boot() == running
        assert not firmware.slot.keep()
        told = firmware.introduce()
        assert told["state"] == "fell_back" and told["version"] == image.version
        update(bench, bench.images["g"][3])
        assert firmware.boot() == bench.images["g"][3].version


def test_both_slots_bad_is_dark(bench: Bench) -> None:
    flash, _ = flash_after(bench, "g")
    with bench.firmware.on(flash):
        for address in (0x10000, 0x30000):
            bench.firmware.flash.data[address + 6000] ^= 1
        assert bench.firmware.boot() is None
