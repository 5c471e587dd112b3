"""`make put` and `make files`, through the simulated firmware's real prompt, and `make monitor`."""

import os

import pytest

from ci.board import files, monitor, put
from ci.problem import Problem
from tests.tools.serial_board import SerialBoard

pytestmark = pytest.mark.serial

PROGRAM = b"print('lamp ' + 'program')\n"


@pytest.fixture
def simulated(micropython, tmp_path):
    with SerialBoard(micropython, tmp_path / "flash") as board:
        assert board.wait_until_said(b"setup: join")  # it has no config.json
        yield board


@pytest.fixture
def lamp(tmp_path):
    path = tmp_path / "lamp.py"
    path.write_bytes(PROGRAM)
    return str(path)


def run_put(board, file, path=""):
    put.main(["--port", board.port, "--file", file, "--as", path])


def test_put_main_py_runs_it(simulated, lamp, capsys):
    run_put(simulated, lamp, "/main.py")
    assert simulated.file("main.py") == PROGRAM
    assert simulated.wait_until_said(b"lamp program")
    assert f"{lamp} is /main.py there, {len(PROGRAM)} bytes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "asked, path",
    [("", "lamp.py"), ("handlers.py", "handlers.py"), ("lib/", "lib/lamp.py"), ("/", "lamp.py")],
)
def test_put_finds_path(simulated, lamp, asked, path):
    run_put(simulated, lamp, asked)
    assert simulated.file(path) == PROGRAM


def test_put_into_folder_that_is_there(simulated, lamp):
    (simulated.flash / "lib").mkdir()
    run_put(simulated, lamp, "/lib")
    assert simulated.file("lib/lamp.py") == PROGRAM


def test_put_config_json_is_refused(simulated, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    before = simulated.file("config.json")
    with pytest.raises(Problem, match="make config FILE=.* writes /config.json"):
        run_put(simulated, str(tmp_path / "config.json"))
    assert simulated.file("config.json") == before


@pytest.mark.parametrize(
    "file, words", [("", "which file"), ("/nowhere.py", "No such file"), ("/", "Is a directory")]
)
def test_put_file_that_cannot_be_read(file, words):
    with pytest.raises(Problem, match=words):
        put.main(["--port", "/dev/ttyNOWHERE", "--file", file])


def test_files_are_listed_and_program_runs_on(simulated, lamp, capsys):
    (simulated.flash / "main.py").write_text("print('run' + 'ning')\nwhile True: pass\n")
    run_put(simulated, lamp, "/lib/lamp.py")  # and the board restarts
    assert simulated.wait_until_said(b"running")
    simulated.forget()
    capsys.readouterr()
    files.main(["--port", simulated.port])
    listed = [tuple(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert (str(len(PROGRAM)), "/lib/lamp.py") in listed
    assert ("/lib/",) in listed
    assert listed == sorted(listed, key=lambda entry: entry[-1])
    assert simulated.wait_until_said(b"running")


@pytest.mark.parametrize("port", ["/dev/null", "/dev/ttyNOWHERE"])
@pytest.mark.parametrize("tool", [files, monitor])
def test_port_that_is_none_is_told(tool, port, monkeypatch):
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("mpremote was started"))
    with pytest.raises(Problem, match=f"{port} cannot be opened: is it a board's serial port"):
        tool.main(["--port", port])
