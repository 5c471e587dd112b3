"""Keep machine.Timer from stopping the chip's clock: MicroPython's issue #19162, in v1.28.0.

ports/esp32/machine_timer.c acquires a timer group each time that a timer is started, and never
releases it. ESP-IDF counts that in 8 bits: when the count has come round to 0, the next start
resets the group, and with it the timer that is the chip's clock.

    python -m ci.build.mend_timer build/micropython          changes the source: each index acquires once
    python -m ci.build.mend_timer --only-look /path/to/it    only says whether the source has the fault

MicroPython's pull request #19163 replaces that code. Once MICROPYTHON_TAG has it, remove this
file, its tests and its call in ci/build/build.sh.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ci.problem import run
from ci.build.version import write_if_changed

FILE = Path("ports/esp32/machine_timer.c")

# The macro is a `for`, so an `if` may stand before it. The index, not the group, chooses what is
# acquired, in v1.28.0 too; the count is the chip's, so the flags outlive a soft reset, as it does.
FAULT = (
    "    PERIPH_RCC_ACQUIRE_ATOMIC"
    "(timer_group_periph_signals.groups[self->index].module, ref_count) {\n"
)
MENDED = (
    "    // Once only: ESP-IDF counts in 8 bits (MicroPython's issue #19162).\n"
    "    static bool acquired[SOC_TIMER_GROUP_TIMERS_PER_GROUP];\n"
    "    bool acquire = !acquired[self->index];\n"
    "    acquired[self->index] = true;\n"
    "    if (acquire) " + FAULT.lstrip()
)


def mend(text: str) -> str | None:
    """Return the source `text` without the fault, or None if it is not as in v1.28.0."""
    if MENDED in text:
        return text
    return text.replace(FAULT, MENDED) if text.count(FAULT) == 1 else None


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Mend machine.Timer in MicroPython's source.")
    parser.add_argument("--only-look", action="store_true", help="leave the source as it is")
    parser.add_argument("micropython", type=Path, help="the folder of MicroPython's source")
    options = parser.parse_args(arguments)
    path = options.micropython / FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    mended = mend(text)
    if mended is None:
        print(
            f"{path} is not as in MicroPython v1.28.0 and stays as it is; look whether "
            "MicroPython's issue #19162 is closed there, then remove ci/build/mend_timer.py"
        )
    elif mended == text:
        return
    elif options.only_look:
        print(
            f"{options.micropython} has MicroPython's issue #19162: when a program has started "
            "timers 255 times, the board's clock stands still until it is reset; leave "
            "MICROPYTHON_DIR out for an image without that"
        )
    else:
        write_if_changed(path, mended)
        print(f"{path} is mended: timers no longer stop the clock (MicroPython's issue #19162)")


if __name__ == "__main__":
    run(main)
