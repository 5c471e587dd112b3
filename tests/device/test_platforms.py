"""The board's OneNET tokens against CPython's hmac, base64 and urllib."""

from __future__ import annotations

import base64
import hmac
import json
import random
import urllib.parse
from collections.abc import Callable
from pathlib import Path

SCRIPT = Path(__file__).parent / "scripts" / "onenet_token.py"


def token(resource: str, key: str, end: int, method: str) -> str:
    version = "2018-10-31"
    text = "\n".join([str(end), method, resource, version])
    digest = hmac.digest(base64.b64decode(key), text.encode(), method)
    fields = {
        "version": version,
        "res": resource,
        "et": end,
        "method": method,
        "sign": base64.b64encode(digest).decode(),
    }
    return urllib.parse.urlencode(fields, quote_via=urllib.parse.quote, safe="")


def test_tokens_are_those_of_cpython(run_script: Callable[..., str], tmp_path: Path) -> None:
    """Each method, keys shorter, as long as and longer than HMAC's block, names in any script."""
    random.seed(5)
    names = ["lamp", "lamp 7", "a~b-c_d.e", "灯", "%2F&=+?", "x" * 64]
    rows = []
    for method in ("sha256", "sha1", "md5"):
        for length in (1, 2, 3, 16, 32, 63, 64, 65, 130):
            for name in names:
                key = base64.b64encode(random.randbytes(length)).decode()
                end = random.choice((0, 1672735919, 2524608000, 4102444800))
                rows.append(
                    [f"products/{random.randrange(10**9)}/devices/{name}", key, end, method]
                )
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows, ensure_ascii=False))
    made = json.loads(run_script(SCRIPT, str(file)).splitlines()[0])
    assert made == [token(*row) for row in rows]


def test_worked_example_of_page_is_right(run_script: Callable[..., str], tmp_path: Path) -> None:
    """The example of docs/platforms.md, digit by digit."""
    key = base64.b64encode(b"an example of a key").decode()
    row = ["products/123456/devices/lamp", key, 2524608000, "sha256"]
    expected = token(*row)
    document = (Path(__file__).parents[2] / "docs" / "platforms.md").read_text()
    assert f"\n{key}\n" in document and f"\n{expected}\n" in document
    file = tmp_path / "row.json"
    file.write_text(json.dumps([row]))
    assert json.loads(run_script(SCRIPT, str(file)).splitlines()[0]) == [expected]
