"""The page that the board sends: small, whole in itself, and made of the configuration's rules."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from ci.board.device_config import device_module
from ci.build import setup_page
from tests.setup.phone import Phone

LANGUAGES = ("en", "zh")
MOST = 2560  # bytes, compressed


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_is_small(language: str) -> None:
    assert len(setup_page.compress(setup_page.make_page(language))) <= MOST


@pytest.mark.simulator
@pytest.mark.mosquitto
def test_board_has_current_page(set_up: Callable[..., Phone]) -> None:
    phone = set_up()
    for language in LANGUAGES:
        sent = gzip.decompress(phone.get("/", Accept_Language=language).body).decode()
        assert sent == setup_page.make_page(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_fetches_nothing_from_elsewhere(language: str) -> None:
    page = setup_page.make_page(language)
    assert not re.search(r"//|src=|href=|@import|url\(", page)


def test_each_text_has_both_languages() -> None:
    english, chinese = map(setup_page.make_page, LANGUAGES)
    assert not re.search(r"[\u3000-\uffef]", english)
    assert "|" not in re.sub(r"\|\|", "", english) and "|" not in re.sub(r"\|\|", "", chinese)
    parts = re.findall(r"\{([^{}|\n]+)\|([^{}|\n]+)\}", setup_page.PAGE.read_text())
    assert len(parts) > 15 and all(one.strip() and other.strip() for one, other in parts)


class Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if values.get("name") and tag in ("input", "select"):
            self.found[str(values["name"])] = values


def test_fields_follow_rules() -> None:
    fields = Fields()
    fields.feed(setup_page.make_page("en"))
    rules = device_module("rules")
    by_key = {key: (kind, default) for key, kind, default in rules.rules("mqtt")}
    assert fields.found.keys() <= by_key.keys()
    for key, values in fields.found.items():
        kind, default = by_key[key]
        assert ("required" in values) == (default is None), key
        if "maxlength" in values:
            assert int(str(values["maxlength"])) == kind.most


def test_each_service_asks_for_what_its_rules_require() -> None:
    services = setup_page.make_services()
    rules, platforms = device_module("rules"), device_module("platforms")
    plain = {key: default is None for key, _, default in rules.rules("mqtt")}
    shown = {key for keys in setup_page.FIELDS.values() for key in keys}
    assert tuple(services) == platforms.NAMES
    for name, own in services.items():
        for key, kind, default in rules.rules(name):
            if key not in shown:
                assert default is not None or default == {} or key == "mqtt.tls.ca", (name, key)
                continue
            asked = own.get(key, [0, int(plain[key])])
            assert asked == 0 or bool(asked[1]) == (default is None), (name, key)
