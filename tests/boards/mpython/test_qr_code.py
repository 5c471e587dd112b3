"""What the display shows in set-up, read as a phone's camera does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import zxingcpp

SCRIPT = Path(__file__).parent / "scripts" / "qr_code.py"


@pytest.mark.parametrize(
    ("name", "key"),
    (
        ("mpython-a1b2c3", "1234567890"),
        ("mpython-000000", "0000000000"),
        ("x" * 25, "9999999999"),  # as long as the code holds
    ),
)
@pytest.mark.parametrize("scale", (1, 4))
def test_phone_reads_network_from_display(
    run_script: Callable[..., str], name: str, key: str, scale: int
) -> None:
    output = run_script(SCRIPT, name, key)
    rows = [line.split()[1] for line in output.splitlines() if line.startswith("row ")]
    # The panel stands in the board's black frame.
    rows = ["0" * 160] * 16 + [f"{row:0^160}" for row in rows] + ["0" * 160] * 16
    dots = bytes(
        255 * int(dot) for row in rows for _ in range(scale) for dot in row for _ in range(scale)
    )
    picture = memoryview(dots).cast("B", (len(rows) * scale, 160 * scale))
    found = zxingcpp.read_barcodes(picture)
    assert [code.text for code in found] == [f"WIFI:T:WPA;S:{name};P:{key};;"]
