"""What the board says on its page, in Chinese: all of it, and what a Chinese phone is told."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ci.board.device_config import device_module
from ci.boards import ROOT
from ci.build import setup_page
from tests.setup.phone import CHINESE, ENGLISH, Phone

chinese = device_module("setup.chinese")
TABLES = {"SENTENCES": chinese.SENTENCES, "PROBLEMS": chinese.PROBLEMS, "PARTS": chinese.PARTS}
KNOWN = [english for table in TABLES.values() for english, _ in table]

# Where there are sentences that the page can show, and in which functions of a file, if not in all. Not in
# json_text.py: the page sends JSON that it has read itself, of which a browser makes no mistake.
SOURCES: dict[str, tuple[str, ...]] = {
    "wifi.py": ("reason",),
    "device/config.py": ("check_in_pieces", "write"),
    "device/kinds.py": (),
    "device/rules.py": (),
    **{
        f"device/platforms/{name.replace('-', '_')}.py": ("rules", "common_rules")
        for name in device_module("platforms").NAMES
    },
    "device/setup/form.py": (),
    "device/setup/program.py": (),
    "device/setup/radio.py": (),
}

# Functions that tell the serial line and the display.
TELLING = ("print", "show")

# For other programs than the page, which makes a sentence of its own of any of them.
FOR_PROGRAMS = {"no memory", "not found", "send application/json"}


def find_functions(tree: ast.Module, names: tuple[str, ...]) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (not names or node.name in names):
            yield node
        elif isinstance(node, ast.ClassDef) and not names:
            yield from (each for each in node.body if isinstance(each, ast.Assign))


def find_sentences(node: ast.AST, telling: tuple[str, ...] = TELLING) -> Iterator[str]:
    """Yield the texts of more than one word, but for docstrings and what functions of `telling` get."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in telling:
            return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        if re.search("[a-z]", text) and " " in text and not text.startswith("<"):
            yield text
    for child in ast.iter_child_nodes(node):
        yield from find_sentences(child, telling)


def said_by_board() -> set[str]:
    said: set[str] = set()
    for name, functions in SOURCES.items():
        tree = ast.parse((ROOT / "modules" / name).read_text(encoding="utf-8"))
        found = {text for each in find_functions(tree, functions) for text in find_sentences(each)}
        said |= found
    return said - FOR_PROGRAMS


def all_allowed() -> set[str]:
    """What the rules of all services say that is allowed."""
    found: set[str] = set()

    def look(kind: Any) -> None:
        found.add(kind.allowed)
        for _, inner, _ in getattr(kind, "rules", ()):
            look(inner)

    for platform in device_module("platforms").NAMES:
        look(device_module("rules").schema(platform))
    return found


def has_english(line: str) -> bool:
    """Return whether two English words stand beside each other."""
    return re.search(r"[a-z]['.,;]? [a-z]", line) is not None


def test_each_sentence_has_its_chinese() -> None:
    said = said_by_board()
    assert len(said) > 50
    # A text is an entry, or a piece of one such as ', or "" for an open network', or made of several.
    missing = {
        text
        for text in said
        if not any(text in english for english in KNOWN)
        and has_english(chinese.translate(f"a: missing; give {text}"))
    }
    assert not missing, "give them their Chinese in modules/device/setup/chinese.py"


def test_each_entry_is_said() -> None:
    said = said_by_board()
    idle = [english for english, _ in chinese.SENTENCES if english not in said]
    assert not idle, "nobody says this any more: remove it from modules/device/setup/chinese.py"


def test_each_part_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"a: found 5; allowed: {allowed}" for allowed in all_allowed()]
    lines += [f"a: found {what}; allowed: an object {{...}}" for what in ("an object", "a list")]
    lines += ["a: found a value of the wrong form; allowed: false", "a: missing; give false"]
    before = [chinese.translate(line) for line in lines]
    for name in ("PROBLEMS", "PARTS"):
        for entry in TABLES[name]:
            rest = tuple(each for each in TABLES[name] if each is not entry)
            monkeypatch.setattr(chinese, name, rest)
            assert [chinese.translate(line) for line in lines] != before, entry
        monkeypatch.setattr(chinese, name, TABLES[name])


def test_no_english_is_left_of_what_is_allowed() -> None:
    for allowed in all_allowed():
        line = chinese.translate(f"wifi.x: found 5; allowed: {allowed}")
        assert re.search(r"[\u4e00-\u9fff]", line)
        assert not has_english(line), line


def test_entries_keep_values_and_fields() -> None:
    for english, other in (entry for table in TABLES.values() for entry in table):
        assert len(re.findall("%[sd]", english)) == other.count("%s") == other.count("%"), english
        assert english.count("%") == other.count("%")
        field = re.match(r"[\w%.]+: ", english)  # beside which the page puts the sentence
        assert not field or other.startswith(field[0]), english
        assert re.search(r"[\u4e00-\u9fff]", other) or "Iot_" in other, other
    assert len(KNOWN) == len(set(KNOWN))


def test_names_are_what_form_calls_fields() -> None:
    parts = dict(chinese.PARTS)
    for what, label in setup_page.LABELS.items():
        if what in parts:
            assert parts[what] == label.strip("{}").split("|")[-1]


@pytest.mark.parametrize(
    "name", ("a", "校园网", 'a "b" c', "100%s", '" refuses the password; check wifi.password', "")
)
def test_names_of_networks_stay_as_they_are(name: str) -> None:
    for english, other in chinese.SENTENCES[:6]:
        values = [name, 7][: english.count("%")]
        assert chinese.translate(english % tuple(values)) == other % tuple(values)


@pytest.mark.parametrize("quoted", KNOWN + ["x: found y; allowed: z", "; allowed: ", "%s%d", "😀"])
def test_what_is_wrong_may_quote_any_sentence(quoted: str) -> None:
    said = f"mode: found {json.dumps(quoted)}; allowed: topic name of 0 to 9 bytes"
    other = f"mode: 现在是 {json.dumps(quoted)}；应为：主题名，0 至 9 字节"
    assert chinese.translate(said) == other


def test_other_texts_stay_as_they_are() -> None:
    for text in ("", "x", "%s", "a sentence that nobody knows", "wifi.ssid: ", "：" * 500):
        assert chinese.translate(text) == text


# On the board ----------------------------------------------------------------------------


@pytest.mark.simulator
@pytest.mark.mosquitto
def test_phone_is_told_in_its_language(set_up: Callable[..., Phone]) -> None:
    phone = set_up()

    def ask(language: str) -> dict[str, Any]:
        phone.language = language
        return phone.get("/state.json").json

    def fail(**wifi: str) -> tuple[str, str]:
        assert phone.propose({"wifi": wifi, "mqtt": {"server": "b"}}).status == 200
        phone.wait_state("failed")
        phone.language = CHINESE
        assert phone.get("/setup.json").json["reason"] == ask(CHINESE)["reason"]
        return ask(ENGLISH)["reason"], ask(CHINESE)["reason"]

    assert ask(CHINESE)["reason"] == ""
    assert fail(ssid="staff room", password="wrong password") == (
        '"staff room" does not let the board in; check wifi.password',
        "“staff room”不让板子加入；请检查网络密码",
    )
    english, other = fail(ssid="校园网", password="out of reach")
    assert english.startswith('no network named "校园网" is in reach')
    assert other == "附近没有名为“校园网”的网络；请检查网络名，并确认它是 2.4 GHz"

    config = {"wifi": {"password": "x"}, "mqtt": {"server": "mqtt://x"}}
    problems = phone.propose(config).json["problems"]
    assert problems == [
        "wifi.ssid: 没有填；请填：文字，1 至 32 字节",
        "wifi.password: 格式不对；应为：文字，8 至 63 字节；开放的网络不填",
        "mqtt.server: 格式不对；应为：名字或地址，没有空格，端口另填，1 至 253 字节，不含 : / @ ,"
        "；或由 1 至 8 个组成的列表 [...]",
    ]
    phone.language = ENGLISH
    assert phone.propose(config).json["problems"][0].startswith("wifi.ssid: missing; give ")

    # Who reads the serial line has found each line in docs/serial.md.
    assert all("网络密码" not in line for line in phone.board.lines)
