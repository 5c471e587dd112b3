"""Refuse a C module that only one of simulator and image would have.

python -m ci.build.c_modules

The simulator's make finds every firmware/*/micropython.mk by itself; the image has what
firmware/micropython.cmake includes.
"""

from __future__ import annotations

import re
from pathlib import Path

from ci.boards import ROOT
from ci.problem import Problem, run

FIRMWARE = ROOT / "firmware"
_INCLUDE = re.compile(r"^\s*include\(\S*?(\w+)/micropython\.cmake\)", re.MULTILINE)


def check(firmware: Path = FIRMWARE) -> None:
    """Raise Problem if a module lacks one of its two build files, or its line in the common one."""
    common = firmware / "micropython.cmake"
    included = set(_INCLUDE.findall(common.read_text(encoding="utf-8")))
    in_simulator = {path.parent.name for path in firmware.glob("*/micropython.mk")}
    in_image = {path.parent.name for path in firmware.glob("*/micropython.cmake")}
    for name in sorted(in_simulator | in_image | included):
        for present, path in ((in_simulator, "micropython.mk"), (in_image, "micropython.cmake")):
            if name not in present:
                raise Problem(
                    f"the C module firmware/{name} has no {path}: without it "
                    f"{'the simulator' if path.endswith('.mk') else 'the image'} lacks the module"
                )
        if name not in included:
            raise Problem(
                f"firmware/micropython.cmake does not include {name}/micropython.cmake: without "
                "that line the image lacks the module"
            )


def main(arguments: list[str]) -> None:
    if arguments:
        raise Problem(f"unknown arguments: {arguments}")
    check()


if __name__ == "__main__":
    run(main)
