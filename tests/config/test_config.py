"""modules/device/config.py under CPython, the JSON Schema and the documentation say the same."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ci.board import config_docs
from ci.board.device_config import config_module, device_module
from simulated_board import ROOT
from tests.config import examples

config = config_module()
json_text = device_module("json_text")
kinds = device_module("kinds")
platforms = device_module("platforms")
rules = device_module("rules")
SECRET = "hunter2-canary"


@pytest.fixture(scope="session")
def schema(root: Path) -> dict[str, Any]:
    return json.loads((root / "docs" / "config.schema.json").read_text())


@pytest.fixture(scope="session")
def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("values", examples.GOOD, ids=repr)
def test_good_example_is_accepted_by_both(
    validator: jsonschema.Draft202012Validator, values: Any
) -> None:
    assert config.check(values) == []
    assert [error.message for error in validator.iter_errors(values)] == []


@pytest.mark.parametrize("values", examples.BAD, ids=lambda values: repr(values)[:150])
def test_bad_example_is_refused_by_both(
    validator: jsonschema.Draft202012Validator, values: Any
) -> None:
    assert config.check(values)
    assert not validator.is_valid(values)


@pytest.mark.parametrize("values", examples.BAD_FOR_THE_BOARD_ALONE, ids=repr)
def test_board_alone_refuses_bytes_and_names(
    validator: jsonschema.Draft202012Validator, values: Any
) -> None:
    assert len(config.check(values)) == 1
    assert validator.is_valid(values)


def keys_of(schema: dict[str, Any]) -> set[str]:
    """Return every key that a schema names, with its sections."""
    keys = set()
    sections = {**schema["properties"], "wifi": schema["$defs"]["network"]}
    for section, rule in sections.items():
        inner = rule.get("properties")
        keys |= {f"{section}.{key}" for key in inner} if inner else {section}
    plain = schema["allOf"][0]["then"]["properties"]
    tls = plain["mqtt"]["properties"]["tls"]["oneOf"][1]["properties"]
    home = plain["homeassistant"]["oneOf"][1]["properties"]
    keys |= {f"mqtt.tls.{key}" for key in tls} | {f"homeassistant.{key}" for key in home}
    return keys | {"homeassistant"}


def keys_of_board() -> set[str]:
    """Return every key of a complete configuration, with its sections."""
    keys = set()
    tls = examples.changed(examples.PLAIN, "mqtt.tls", {"ca": "/ca.pem"})
    settings = config.complete({**tls, "homeassistant": True}, "mpython", "0a1b")
    (settings["wifi"],) = settings["wifi"]
    for section, value in settings.items():
        keys |= {f"{section}.{key}" for key in value} if isinstance(value, dict) else {section}
    return keys | {"mqtt.tls.ca", "mqtt.tls.verify", "homeassistant"}


def test_every_key_is_in_schema_and_table(root: Path, schema: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \|", (root / "docs" / "config.md").read_text(), re.M)
    assert len(rows) == len(set(rows))
    assert set(rows) == keys_of(schema) == keys_of_board()
    documented = {path for path in examples.KEYS if path not in ("topics", "time", "wifi")}
    assert documented <= set(rows)


def test_defaults_in_table_are_those_of_complete(root: Path) -> None:
    """The table's defaults are those of complete()."""
    table = (root / "docs" / "config.md").read_text()
    settings = config.complete({**examples.PLAIN, "homeassistant": True}, "{name}", "{id}")
    (settings["wifi"],) = settings["wifi"]
    untold = {"mqtt.tls.ca", "mqtt.tls.verify", "brightness", "name", "homeassistant"}
    for path in keys_of_board() - untold:
        section, _, key = path.rpartition(".")
        value = settings[section][key] if section else settings[key]
        row = re.search(rf"^\| `{path}` \| ([^|]*) \|", table, re.M)
        assert row, path
        expected = "required" if path in ("wifi.ssid", "mqtt.server") else f"`{json.dumps(value)}`"
        assert row[1] == expected, path


def test_generated_files_are_up_to_date(root: Path) -> None:
    for path, text in config_docs.make_files().items():
        assert path.read_text() == text, f"{path.name} is old; type: make docs-config"


def test_every_rule_has_its_sentence() -> None:
    assert set(config_docs.sentences()) == keys_of_board()


def test_key_stands_in_one_rule(root: Path) -> None:
    """Besides in a platform's profile, where the platform differs"""
    modules = root / "modules"
    for key in keys_of_board():
        found = [path.name for path in modules.rglob("*.py") if f'"{key}",' in path.read_text()]
        assert found == ["rules.py"], (key, found)


def test_names_of_boards_fit_checkers_longest() -> None:
    for data in ROOT.glob("boards/*/board.json"):
        assert len(data.parent.name) <= len(kinds.LONGEST_WORDS["name"])
    assert len(kinds.LONGEST_WORDS["id"]) == 2 * 6  # machine.unique_id() is the MAC address


def test_platforms_and_modes_are_those_of_schema(schema: dict[str, Any]) -> None:
    properties = schema["properties"]
    plain = schema["allOf"][0]["then"]["properties"]
    assert tuple(properties["mqtt"]["properties"]["platform"]["enum"]) == platforms.NAMES
    assert tuple(plain["mode"]["enum"]) == rules.MODES
    assert set(examples.PLATFORMS) == set(platforms.NAMES)


def test_platforms_are_those_of_page(root: Path) -> None:
    text = (root / "docs" / "platforms.md").read_text()
    header = re.search(r"^\| \|(.*)\|$", text, re.M)
    assert header and re.findall(r"`(.*?)`", header[1]) == list(platforms.NAMES)


def test_examples_of_pages_are_accepted(root: Path) -> None:
    tried = set()
    for name in ("config.md", "platforms.md"):
        for example in re.findall(
            r"^```json\n(.*?)^```", (root / "docs" / name).read_text(), re.M | re.S
        ):
            text = example if example[0] == "{" else "{%s}" % example
            assert json_text.find_error(text) is None, example
            values = {"wifi": {"ssid": "classroom"}, **json.loads(text)}
            assert config.check(values) == [], example
            tried.add(values["mqtt"].get("platform", "mqtt"))
    assert tried == set(platforms.NAMES)


def test_problems_show_no_secret() -> None:
    """Wrong in every way, and with every other key as it may be."""
    wrong = [SECRET, [SECRET], {"password": SECRET}, [{"password": SECRET}], SECRET * 99]
    address = f"mqtt://pupil:{SECRET}@broker:1883"
    for base in examples.PLATFORMS.values():
        for path in ("wifi.password", "mqtt.password", "wifi", "mqtt", "topics"):
            for value in wrong:
                text = "\n".join(config.check(examples.changed(base, path, value)))
                assert SECRET not in text, text
        text = "\n".join(config.check(examples.changed(base, "mqtt.server", address)))
        assert "its port in mqtt.port" in text and SECRET not in text, text
        for section in ("wifi", "mqtt"):
            for key in ("pasword", "Password", "pass", "key"):
                values = examples.changed(base, f"{section}.{key}", SECRET)
                text = "\n".join(config.check(values))
                assert f"{section}.{key}: unknown key" in text and SECRET not in text
    for wifi in ({"ssid": {"password": SECRET}}, [SECRET], [[SECRET]], [{"password": [SECRET]}]):
        assert SECRET not in "\n".join(config.check({"wifi": wifi}))


def some_value(depth: int = 0) -> Any:
    """Return any JSON value."""
    simple = [
        None,
        True,
        -1,
        0,
        10**20,
        0.5,
        "",
        "mqtt",
        "onenet",
        "\ud800",
        "{id}",
        "a/#",
        "x" * 99,
    ]
    if depth > 2 or random.random() < 0.6:
        return random.choice(simple)
    values = [some_value(depth + 1) for _ in range(random.randrange(4))]
    if random.random() < 0.3:
        return values
    keys = ["", "wifi", "ssid", "mqtt", "tls", "ca", "topics", "password", "\ud800\n", "k" * 999]
    return {random.choice(keys): value for value in values}


def test_any_value_is_checked_without_exception() -> None:
    random.seed(5)
    keys = sorted(keys_of_board())
    for _ in range(20000):
        values = some_value()
        if random.random() < 0.8:
            base = random.choice(list(examples.PLATFORMS.values()))
            values = examples.changed(base, random.choice(keys[:-2]), some_value())
        if not config.check(values):
            config.complete(values, "mpython", "24a160112233")


def test_name_is_filled_in_everywhere() -> None:
    settings = config.complete({**examples.PLAIN, "name": "desk-7"}, "bpi-bit", "0a1b")
    assert settings["wifi"][0]["hostname"] == settings["mqtt"]["client_id"] == "desk-7-0a1b"
    assert settings["topics"]["command"] == "desk-7/0a1b/command"


@pytest.mark.parametrize(
    "values, sentence",
    [
        (
            {**examples.PLAIN, "led": 3},
            "led: unknown key; remove it (known here: name, label, wifi, mqtt, time, topics, "
            "update, texts, telemetry, homeassistant, mode, brightness, restore)",
        ),
        ({**examples.PLAIN, "moode": 3}, 'moode: unknown key; did you mean "mode"?'),
        (
            examples.changed(examples.PLAIN, "mqtt.server", ""),
            'mqtt.server: found ""; allowed: a name or address alone,',
        ),
        (
            examples.changed(examples.PLAIN, "mqtt.server", "foo bar"),
            "mqtt.server: found a value of the wrong form; allowed: a name or address alone, its"
            " port in mqtt.port, without spaces",
        ),
        (
            examples.changed(examples.PLAIN, "mqtt.password", "secret"),
            "mqtt.password: there is no user for it; give mqtt.user, or no password",
        ),
        (
            {**examples.PLAIN, "topics": {"state": "lamp", "status": "lamp"}},
            "topics.status: the same as topics.state",
        ),
        (
            examples.changed(examples.PLAIN, "wifi", [examples.HOME, {"ssid": ""}]),
            'wifi[1].ssid: found ""; allowed: printable text of 1 to 32 bytes',
        ),
        (
            examples.changed(examples.PLAIN, "wifi", []),
            "wifi: found a list; allowed: an object {...}, or a list [...] of 1 to 8 of them",
        ),
    ],
)
def test_problem_is_told_in_words(values: Any, sentence: str) -> None:
    (problem,) = config.check(values)
    assert problem.startswith(sentence)


def test_problems_are_single_lines() -> None:
    for values in examples.BAD + examples.BAD_FOR_THE_BOARD_ALONE:
        for problem in config.check(values):
            assert "\n" not in problem and len(problem) < 300, problem
    assert "\n" not in config.check({"a\nb" * 50: 1, "wifi": {}, "mqtt": {}})[0]


def accepted_by_python(text: str) -> bool:
    def refuse(_: str) -> None:
        raise ValueError

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    # The board's json cannot join the halves of a surrogate pair.
    return not re.search(r"(?<!\\)(\\\\)*\\u[dD][89a-fA-F]", text)


def test_few_of_many_unknown_keys_are_told() -> None:
    """A guess for each would stop a board in set-up for seconds."""
    problems = config.check({**examples.PLAIN, **{f"k{i}": 0 for i in range(500)}})
    assert len(problems) == 8 and all("unknown key" in line for line in problems)


def distance(a: str, b: str) -> int:
    """Return how many letters differ, are missing or are too many, by definition."""
    if not a or not b:
        return len(a) + len(b)
    same = distance(a[1:], b[1:]) + (a[0] != b[0])
    return min(same, distance(a[1:], b) + 1, distance(a, b[1:]) + 1)


def test_hint_is_nearest_known_key() -> None:
    """The board looks at few of the keys, for that takes it long; the hint is the same."""
    random.seed(6)
    known = ["name", "wifi", "mqtt", "mode", "time", "texts", "topics"]
    hints = 0
    for _ in range(400):
        key = list(random.choice(known))
        for _ in range(random.randint(1, 3)):
            key[random.randrange(len(key))] = random.choice(("", "e", "t", "x", "í"))
        word = "".join(key)
        if word in known:
            continue
        nearest = min((distance(word, each), each) for each in known)
        is_near = nearest[0] <= min(3, (len(word) - 1) // 2)
        hints += is_near
        told = kinds._unknown("", word, known)
        assert told.endswith(f'did you mean "{nearest[1]}"?') == is_near, (word, told)
    assert 100 < hints < 390


def test_printable_text_is_that_of_each_letter() -> None:
    """Texts are looked at as bytes; half a pair and non-characters are found among good letters."""

    def is_good(code: int) -> bool:
        is_control = code < 32 or 127 <= code < 160
        return not (is_control or 0xD800 <= code < 0xE000 or 0xFDD0 <= code < 0xFDF0) and (
            code & 0xFFFE != 0xFFFE
        )

    edges = (0, 32, 127, 160, 0x800, 0xD7FF, 0xE000, 0xFDD0, 0xFDF0, 0xFFFE, 0x1FFFE, 0x10FFFF)
    codes = {code + offset for code in edges for offset in (-1, 0, 1)} - {-1, 0x110000}
    for code in codes:
        for around in ("", "a", "\u00e9", "\u7f51", "\U0001f600"):
            text = around + chr(code) + around
            assert kinds._are_printable(text) == is_good(code), (hex(code), around)


def test_find_error_agrees_with_json() -> None:
    """Random damage to a good text: an error is found exactly where json finds one, too."""
    random.seed(5)
    sound = json.dumps(
        {"a": [1, -0.5e-3, True, None, 'x\\y"z\u00e9\t', {}, []], "b": {"c": "ä/"}}, indent=1
    )
    letters = '{}[]",:\\ \n\ttrufalsn0123456789+-.eEuxdD8\x01\u201cä/b'
    disagreements = []
    errors = 0
    for _ in range(30000):
        text = sound
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            at = random.randrange(len(text) + 1)
            cut = random.choice((0, 0, 1, 2, len(text)))
            text = text[:at] + random.choice(letters) * random.choice((0, 1, 1)) + text[at + cut :]
        found = json_text.find_error(text)
        errors += found is not None
        if (found is None) != accepted_by_python(text):
            disagreements.append((text, found))
        if found is not None:
            line, column, what = found
            lines = text.split("\n")
            assert 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1 and what
    assert not disagreements, disagreements[:3]
    assert 5000 < errors < 29000


@pytest.mark.parametrize(
    "number", ["0", "-0", "10", "-1.5", "0.5", "1e5", "1E+5", "1.0e-05"], ids=str
)
def test_json_number_is_accepted(number: str) -> None:
    assert json_text.find_error(number) is None


@pytest.mark.parametrize(
    "word",
    ["01", "-", "1.", ".5", "+1", "1e", "1e+", "--1", "1_0", "0x1", "NaN", "Infinity", "1 2"],
)
def test_wrong_json_number_is_refused(word: str) -> None:
    assert json_text.find_error(word) is not None
