"""statements.txt is whole, and says truly where each statement is tested."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from tests.umqtt.protocol.cpython import FOLDER, ROOT
from tests.umqtt.protocol.titles import BY_TITLE


@dataclass
class Statement:
    number: str
    binds: str
    says: str
    where: str


def statements() -> dict[str, Statement]:
    found = {}
    for line in (FOLDER / "statements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            statement = Statement(*(field.strip() for field in line.split("|")))
            assert statement.number not in found, line
            found[statement.number] = statement
    return found


STATEMENTS = statements()
OF_CLIENT = [number for number in STATEMENTS if STATEMENTS[number].binds == "client"]


def test_numbers_have_no_gap() -> None:
    sections: dict[str, list[int]] = {}
    for number in STATEMENTS:
        section, _, index = number.rpartition("-")
        sections.setdefault(section, []).append(int(index))
    for section, indexes in sections.items():
        assert indexes == list(range(1, len(indexes) + 1)), section
    assert len(STATEMENTS) == 141  # so many has appendix B of the standard


def test_titles_name_statements_of_clients() -> None:
    named = {re.match(r"\[MQTT-([\d.]+-\d+)\] .", title)[1] for title in BY_TITLE}
    assert named <= set(OF_CLIENT)


@pytest.mark.parametrize("number", OF_CLIENT)
def test_statement_is_tested(number: str) -> None:
    where = STATEMENTS[number].where
    if where == "rows":
        assert any(title.startswith(f"[MQTT-{number}] ") for title in BY_TITLE)
    elif not where.startswith("none: "):
        places = list(ROOT.glob(where))
        assert places
        for place in places:
            text = place.read_text() if place.is_file() else f"MQTT-{number}]"
            assert f"MQTT-{number}]" in text or f"[-{number}]" in text


@pytest.mark.parametrize("number", [n for n in STATEMENTS if n not in OF_CLIENT])
def test_statement_of_server_says_why(number: str) -> None:
    assert STATEMENTS[number].binds == "server"
    assert STATEMENTS[number].where.startswith("none: the server's")
