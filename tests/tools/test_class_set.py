"""`make config FILE=class.json CSV=class.csv`: a class's boards, through their real prompts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ci.board import class_set
from ci.board.class_set import ClassList, configure, values_of, watch
from ci.image import signing
from ci.problem import Problem
from tests.tools.serial_board import SerialBoard

SECRET = "canary-4711"
SHARED = {
    "wifi": {"ssid": "class", "password": SECRET},
    "mqtt": {"server": "192.0.2.1"},
}
FIRST, SECOND = "02514d000001", "02514d000002"


def class_list(path: Path, text: str) -> ClassList:
    file = path / "class.csv"
    file.write_text(text, encoding="utf-8")
    return ClassList(file, SHARED)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((path / "class.csv").read_text("utf-8-sig").splitlines()))


# The list -------------------------------------------------------------------------------


def test_cells_have_types_of_their_keys(tmp_path: Path) -> None:
    boards = class_list(
        tmp_path,
        "id,name,wifi.password,mqtt.port,mqtt.clean_session,mqtt.tls\n,lamp-1,12345678,1884,false,true\n",
    )
    values = values_of(SHARED, boards.rows[0], "row")
    assert values["name"] == "lamp-1"
    assert values["wifi"] == {"ssid": "class", "password": "12345678"}
    assert values["mqtt"] == {
        "server": "192.0.2.1",
        "port": 1884,
        "clean_session": False,
        "tls": True,
    }
    assert SHARED["wifi"]["password"] == SECRET


@pytest.mark.parametrize("servers", [["b.example", "a.example"], ["a.example"]])
def test_cell_with_list_of_brokers_is_list(tmp_path: Path, servers: list[str]) -> None:
    cell = json.dumps(servers).replace('"', '""')  # as a spreadsheet writes it
    boards = class_list(tmp_path, f'id,mqtt.server\n,"{cell}"\n')
    assert values_of(SHARED, boards.rows[0], "row")["mqtt"]["server"] == servers


def test_empty_cells_take_shared_values(tmp_path: Path) -> None:
    boards = class_list(tmp_path, "id,name,wifi.password\n,,\nFFEEDDCCBBAA,a,\n")
    (row,) = boards.rows  # an empty line is no board
    assert row.board_id == "ffeeddccbbaa"
    assert values_of(SHARED, row, "row") == {**SHARED, "name": "a"}


def test_old_line_ends_are_understood(tmp_path: Path) -> None:
    boards = class_list(tmp_path, "id;name\r;lamp-1\r;lamp-2\r")
    assert [row.cells["name"] for row in boards.rows] == ["lamp-1", "lamp-2"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_delimiters_are_known(tmp_path: Path, delimiter: str) -> None:
    text = "id,name\n,lamp-1\n,lamp-2\n".replace(",", delimiter)
    boards = class_list(tmp_path, "\ufeff" + text)
    row = boards.row_of(FIRST)
    boards.take(row, FIRST)
    saved = (tmp_path / "class.csv").read_text("utf-8-sig")
    assert saved.splitlines() == [
        f"id{delimiter}name",
        f"{FIRST}{delimiter}lamp-1",
        f"{delimiter}lamp-2",
    ]


def test_known_board_has_its_row_and_others_next_free(tmp_path: Path) -> None:
    boards = class_list(tmp_path, f"id,name\n,a\n{FIRST},b\n,c\n")
    assert boards.row_of(FIRST).cells["name"] == "b"
    row = boards.row_of(SECOND)
    assert row.cells["name"] == "a"
    boards.take(row, SECOND)
    assert boards.row_of(SECOND) is row
    assert boards.row_of("02514d000003").cells["name"] == "c"


def test_board_without_row_is_refused(tmp_path: Path) -> None:
    boards = class_list(tmp_path, f"id,name\n{FIRST},b\n")
    with pytest.raises(Problem, match="no row left for the board " + SECOND):
        boards.row_of(SECOND)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "first line must name the columns"),
        ("name\nlamp\n", "one of them `id`"),
        ("id,name,name\n,a,b\n", "a column stands there twice"),
        ("id,name\n,a,b\n", "line 2: more cells than columns"),
        ("id,name\n1234,a\n", "line 2: '1234' is no board's id"),
        ("id,name\n,a\n,Caf\u00e9\n", "line 3 is not right"),
        ("id,mqtt.port\n,99999\n", "mqtt.port: "),
        ("id,mqtt.prot\n,1\n", "mqtt.prot"),
        ("id,name.x\n,a\n", "line 2 is not right"),
        ("id,mqtt.server.x\n,a\n", "`server` is no section"),
        (f"id,name\n{FIRST},a\n{FIRST},b\n", "lines 2 and 3 are both about " + FIRST),
    ],
)
def test_wrong_list_is_refused_before_any_board(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(Problem, match=problem) as raised:
        class_list(tmp_path, text)
    assert SECRET not in str(raised.value)


def test_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        ClassList(tmp_path / "missing.csv", SHARED)
    (tmp_path / "class.csv").write_bytes("id,name\n,\u73ed\n".encode("gb18030"))
    with pytest.raises(Problem, match="save it as CSV UTF-8"):
        ClassList(tmp_path / "class.csv", SHARED)


def test_list_stays_as_private_as_it_was(tmp_path: Path) -> None:
    boards = class_list(tmp_path, "id,wifi.password\n,canary-4711\n")
    (tmp_path / "class.csv").chmod(0o600)
    boards.take(boards.rows[0], FIRST)
    assert (tmp_path / "class.csv").stat().st_mode & 0o777 == 0o600


def test_list_that_cannot_be_written_keeps_row_free(tmp_path: Path) -> None:
    boards = class_list(tmp_path, "id,name\n,a\n")
    (tmp_path / "class.csv.new").mkdir()
    row = boards.row_of(FIRST)
    with pytest.raises(Problem, match="close it in other programs"):
        boards.take(row, FIRST)
    assert row.board_id == ""


# The boards -----------------------------------------------------------------------------


@pytest.mark.serial
def test_boards_get_rows_and_second_run_changes_nothing(
    micropython: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(class_set, "_LOOK_SECONDS", 0.01)
    boards = class_list(tmp_path, "id,name\n,lamp-1\n,lamp-2\n")
    with (
        SerialBoard(micropython, tmp_path / "one", number=1) as one,
        SerialBoard(micropython, tmp_path / "two", number=2) as two,
    ):
        for board in (one, two):
            assert board.wait_until_said(b"setup: join", 60)
        watch(f"{one.port} {two.port}", SHARED, boards)
        rows = {row["id"]: row["name"] for row in table(tmp_path)}
        assert set(rows) == {FIRST, SECOND}
        for board, board_id in ((one, FIRST), (two, SECOND)):
            assert json.loads(board.file("config.json")) == {**SHARED, "name": rows[board_id]}
            assert board.wait_until_said(b"boot: ", 60)  # it was restarted
        said = capsys.readouterr().out
        assert "1 of 2 done: " in said and "2 of 2 done: " in said and "already" not in said

        before = [(b.flash / "config.json").stat().st_mtime_ns for b in (one, two)]
        listed = (tmp_path / "class.csv").read_bytes()
        watch(f"{one.port} {two.port}", SHARED, ClassList(tmp_path / "class.csv", SHARED))
        assert [(b.flash / "config.json").stat().st_mtime_ns for b in (one, two)] == before
        assert (tmp_path / "class.csv").read_bytes() == listed
        assert capsys.readouterr().out.count("which had it already") == 2
        assert SECRET.encode() not in one.said + two.said


@pytest.mark.serial
def test_board_without_list_gets_shared_file(micropython: Path, tmp_path: Path) -> None:
    with SerialBoard(micropython, tmp_path / "one", number=7) as board:
        assert board.wait_until_said(b"setup: join", 60)
        assert configure(board.port, SHARED, None) == ("02514d000007", "", True)
        assert json.loads(board.file("config.json")) == SHARED


@pytest.mark.serial
def test_key_of_this_computer_goes_with_configuration(
    micropython: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("OTA_KEY", raising=False)
    values = {**SHARED, "update": {"key": "/keys/school.pub"}}
    with SerialBoard(micropython, tmp_path / "one", number=7) as board:
        assert board.wait_until_said(b"setup: join", 60)
        assert configure(board.port, values, None)[2]
        assert not (board.flash / "keys").exists()
        key = signing.make_key(signing.default_key())
        assert configure(board.port, values, None)[2]
        assert board.file("keys/school.pub") == signing.public_pem(key)
        assert not configure(board.port, values, None)[2]


def given_ports(monkeypatch: pytest.MonkeyPatch, *looks: str) -> list[list[str]]:
    """Look at ports, each a letter and its number, such as "A1 B1"; return what was given when."""
    monkeypatch.setattr(class_set, "_LOOK_SECONDS", 0)
    found = iter([{(port[0], int(port[1])) for port in look.split()} for look in looks])
    monkeypatch.setattr(class_set, "_present", lambda asked: next(found))
    ports = class_set._new_ports("")
    return [next(ports) for _ in looks]


def test_port_is_given_once_until_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = "A1", "A1 B1", "A1 B1", "B1", "B1", "A1 B1", "A1 B1"
    assert given_ports(monkeypatch, *looks) == [[], ["A"], ["B"], [], [], [], ["A"]]


def test_board_swapped_between_looks_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the others at the hub were written, one was unplugged and another one plugged in."""
    assert given_ports(monkeypatch, "A1", "A1", "A2", "A2", "A2") == [[], ["A"], [], ["A"], []]


def test_port_has_other_number_once_plugged_in_again(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    before = class_set._present(str(port))
    assert class_set._present(str(port)) == before
    (tmp_path / "next").touch()
    (tmp_path / "next").replace(port)
    assert class_set._present(str(port)) != before


def test_board_that_fails_is_told_about_and_may_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    boards = class_list(tmp_path, "id,name\n,lamp-1\n")
    results = iter([Problem("no MicroPython prompt at A"), (FIRST, "lamp-1", True)])

    def answer(port: str, shared: object, boards: object) -> tuple[str, str, bool]:
        result = next(results)
        if isinstance(result, Problem):
            raise result
        return result

    monkeypatch.setattr(class_set, "configure", answer)
    monkeypatch.setattr(class_set, "_new_ports", lambda asked: iter([["A"], [], ["A"]]))
    watch("", SHARED, boards)
    said = capsys.readouterr().out
    assert "no MicroPython prompt at A\n  then plug the board in again" in said
    assert f"A: 1 of 1 done: {FIRST} lamp-1. Unplug it." in said


def test_shared_file_is_asked_for() -> None:
    with pytest.raises(Problem, match="add FILE=class.json"):
        class_set.main(["--file", "", "--csv", "class.csv"])
