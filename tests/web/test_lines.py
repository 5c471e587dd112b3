"""The page has the Chinese of what boards say of their broker, on the serial port alone: lines.json."""

from __future__ import annotations

import ast
import json
import re

from ci.boards import ROOT
from tests.setup.test_chinese import find_sentences

LINES = json.loads((ROOT / "web" / "src" / "serial" / "lines.json").read_text(encoding="utf-8"))

# What tells why a board has not reached its broker.
SOURCES = {
    "device/client.py": ("REFUSALS", "describe", "on_lost"),
    "device/clock.py": ("step",),
    "device/link.py": ("step",),
    "umqtt/protocol.py": ("NotMQTTError",),
}


def said_by_boards() -> set[str]:
    said: set[str] = set()
    for name, speakers in SOURCES.items():
        for node in ast.walk(ast.parse((ROOT / "modules" / name).read_text(encoding="utf-8"))):
            names = [getattr(node, "name", "")]
            names += [getattr(target, "id", "") for target in getattr(node, "targets", ())]
            if set(names) & set(speakers):
                said |= set(find_sentences(node, telling=()))
    return {re.sub(r"^\w+: ", "", text) for text in said}


def test_each_line_has_its_chinese_and_none_is_idle() -> None:
    said = said_by_boards()
    assert len(said) > 15
    missing = {text for text in said if not any(text in english for english, _ in LINES)}
    assert not missing, "give them their Chinese in web/src/serial/lines.json"
    idle = {english for english, _ in LINES if not any(text in english for text in said)}
    assert not idle, "no board says this any more: remove it from web/src/serial/lines.json"


def test_chinese_lines_keep_values() -> None:
    for english, chinese in LINES:
        assert len(re.findall(r"%[.\d]*[a-z]", english)) == chinese.count("%s"), english
        assert english.count("%") == chinese.count("%"), english
        assert re.search(r"[\u4e00-\u9fff]", chinese)
