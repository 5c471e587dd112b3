"""`make config`, through the simulated firmware's real prompt."""

import json
import os

import pytest

from ci.board import configure
from ci.boards import ROOT
from ci.board.configure import ask_values, checked, parse
from ci.board.device_config import config_module, masked
from ci.board.ports import find_port, find_ports
from ci.problem import Problem, run
from ci.board.repl import Repl, open_repl
from tests.mosquitto import Mosquitto
from tests.tools.serial_board import SerialBoard

pytestmark = pytest.mark.serial

CANARY = "canary-4711"
GOOD = {
    "wifi": {"ssid": "\u638c\u63a7 class", "password": CANARY},
    "mqtt": {"server": "192.0.2.1", "port": 1884, "user": "me", "password": CANARY},
    "mode": "echo",
}


@pytest.fixture
def simulated(micropython, tmp_path):
    with SerialBoard(micropython, tmp_path / "flash") as board:
        assert board.wait_until_said(b"setup: join")  # it has no config.json
        yield board


@pytest.fixture
def running(micropython, mosquitto, tmp_path):
    """A board that its program has brought online, by the configuration `running.values`."""
    values = {
        "wifi": {"ssid": "class"},
        "mqtt": {"server": mosquitto.host, "port": mosquitto.port},
        "topics": {"status": "status"},
    }
    (tmp_path / "flash").mkdir()
    (tmp_path / "flash" / "config.json").write_text(json.dumps(values))
    with SerialBoard(micropython, tmp_path / "flash", "class") as board:
        board.values = values
        assert board.wait_until_said(b"mqtt: connected")
        yield board


def write(board, *arguments):
    """Run `make config` on a board that finds no network afterwards, and do not wait for one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configure, "_ONLINE_SECONDS", 0)
        with pytest.raises(Problem, match="config.json is written, but the board is not online"):
            configure.main(["--port", board.port, *arguments])


@pytest.fixture
def my_json(tmp_path):
    path = tmp_path / "my.json"
    path.write_text(json.dumps(GOOD))
    return path


def answer(monkeypatch, *answers):
    """Let each question be answered in turn; return the questions asked."""
    asked = []
    given = iter(answers)

    def reply(question):
        asked.append(question)
        return next(given)

    monkeypatch.setattr(configure, "_ask", reply)
    monkeypatch.setattr(configure, "_ask_secret", reply)
    return asked


def test_file_is_written_and_board_restarts(simulated, my_json, capsys):
    simulated.forget()
    write(simulated, "--file", str(my_json))
    assert json.loads(simulated.file("config.json")) == GOOD
    assert config_module().read(str(simulated.flash / "config.json")) == (GOOD, [])
    assert not (simulated.flash / "config.json.new").exists()
    assert simulated.wait_until_said(b"boot: ")
    assert CANARY not in capsys.readouterr().out
    assert CANARY.encode() not in simulated.said


def test_answers_are_written(simulated, monkeypatch):
    asked = answer(monkeypatch, "class", CANARY, "192.0.2.7", "", "me", "")
    write(simulated)
    assert len(asked) == 6
    written = json.loads(simulated.file("config.json"))
    assert written["wifi"] == {"ssid": "class", "password": CANARY}
    assert written["mqtt"]["server"] == "192.0.2.7"
    assert written["mqtt"]["port"] == config_module().TEMPLATE["mqtt"]["port"]
    assert written["mode"] == "lights"


def test_enter_keeps_what_is_on_board(simulated, monkeypatch):
    (simulated.flash / "config.json").write_text(json.dumps(GOOD))
    asked = answer(monkeypatch, "", "", "192.0.2.9", "", "", "-")
    write(simulated)
    expected = json.loads(json.dumps(GOOD))
    expected["mqtt"]["server"] = "192.0.2.9"
    expected["mqtt"]["password"] = ""
    assert json.loads(simulated.file("config.json")) == expected
    assert CANARY not in "".join(asked)


def test_broken_file_on_board_is_replaced(simulated, monkeypatch, capsys):
    (simulated.flash / "config.json").write_text('{"wifi": {"ssid": "x",}}')
    answer(monkeypatch, "class", "", "192.0.2.7", "", "", "")
    write(simulated)
    assert "line 1, column 23" in capsys.readouterr().out
    assert json.loads(simulated.file("config.json"))["wifi"]["ssid"] == "class"


def test_show_leaves_running_board_running(running, capsys):
    running.forget()
    configure.main(["--port", running.port, "--show"])
    assert json.loads(capsys.readouterr().out)["wifi"] == running.values["wifi"]
    assert running.wait_until_said(b"mqtt: connected")


def test_show_leaves_board_at_its_prompt(simulated, monkeypatch):
    monkeypatch.setattr("ci.board.repl._PROMPT_SECONDS", 30)  # a prompt is seen when it comes
    simulated.type(b"\x03")
    assert simulated.wait_until_said(b">>> ")
    configure.main(["--port", simulated.port, "--show"])
    assert simulated.wait_until_prompt()
    simulated.forget()
    simulated.type(b"print('still ' + 'here')\r")
    assert simulated.wait_until_said(b"still here")
    assert b"boot: " not in simulated.said


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_interrupted_questions_leave_board_running(running, monkeypatch, end):
    def leave(question):
        raise end

    monkeypatch.setattr(configure, "_ask", leave)
    running.forget()
    with pytest.raises(end):
        configure.main(["--port", running.port])
    assert running.wait_until_said(b"mqtt: connected")
    assert json.loads(running.file("config.json")) == running.values


def test_interrupted_transfer_leaves_board_running(running):
    running.forget()
    with pytest.raises(KeyboardInterrupt):
        with open_repl(running.port) as repl:
            repl._transport.exec_raw_no_follow("while True: print('busy')")
            assert running.wait_until_said(b"busy")
            raise KeyboardInterrupt
    assert running.wait_until_said(b"mqtt: connected")


def test_success_is_told_when_board_is_online(running, capsys, monkeypatch):
    answer(monkeypatch, "", "", "", "", "", "")
    configure.main(["--port", running.port])
    said = capsys.readouterr().out
    assert said.index("wifi: connected class") < said.index("mqtt: connected 127.0.0.1")


def test_broker_that_refuses_is_quoted(running, tmp_path, my_json):
    (tmp_path / "guarded").mkdir()
    guarded = Mosquitto(tmp_path / "guarded", "allow_anonymous false\n")
    guarded.start()
    values = {**running.values, "mqtt": {"server": guarded.host, "port": guarded.port}}
    my_json.write_text(json.dumps(values))
    try:
        with pytest.raises(Problem, match="mqtt: the broker does not let this user in"):
            configure.main(["--port", running.port, "--file", str(my_json)])
    finally:
        guarded.stop()


def test_network_out_of_reach_is_quoted(running, my_json, monkeypatch):
    lines = Repl.lines

    def until_search(repl, seconds):
        for line in lines(repl, seconds):
            yield line
            if "no network" in line:  # it goes on trying, which is not waited for here
                return

    my_json.write_text(json.dumps({**running.values, "wifi": {"ssid": "clas"}}))
    monkeypatch.setattr(Repl, "lines", until_search)
    with pytest.raises(Problem, match='no network named "clas" is in reach.*; it goes on trying'):
        configure.main(["--port", running.port, "--file", str(my_json)])


def test_board_that_opens_its_set_up_is_told(running, my_json):
    mqtt = {**running.values["mqtt"], "tls": {"ca": "/missing.pem"}}
    my_json.write_text(json.dumps({**running.values, "mqtt": mqtt}))
    with pytest.raises(Problem, match='no file "/missing.pem".*; it has opened its set-up'):
        configure.main(["--port", running.port, "--file", str(my_json)])


def test_board_with_own_program_is_not_watched(simulated, my_json, capsys):
    (simulated.flash / "main.py").write_text("print('mine')")
    configure.main(["--port", simulated.port, "--file", str(my_json)])
    assert "it runs its own /main.py" in capsys.readouterr().out
    assert simulated.wait_until_said(b"mine")


def test_show_masks_secrets(simulated, capsys):
    (simulated.flash / "config.json").write_text(json.dumps(GOOD))
    configure.main(["--port", simulated.port, "--show"])
    shown = capsys.readouterr().out
    assert CANARY not in shown
    assert json.loads(shown)["wifi"] == {"ssid": "\u638c\u63a7 class", "password": "********"}
    assert json.loads(shown)["mqtt"]["server"] == "192.0.2.1"


def test_wrong_file_is_refused_before_board_is_touched(tmp_path):
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"wifi": {"ssid": "x", "pasword": CANARY}}))
    with pytest.raises(Problem) as problem:
        configure.main(["--port", "/dev/ttyNOWHERE", "--file", str(path)])
    assert "wifi.pasword: unknown key" in str(problem.value)
    assert "mqtt.server: missing" in str(problem.value)
    assert CANARY not in str(problem.value)


@pytest.mark.parametrize(
    "data, words",
    [
        (b'{"a" 1}', "line 1, column 6"),
        (b'{"a": 1, "a": 2}', "line 1, column 10: this key stands here for the second time"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "must hold an object"),
        (b"", "line 1, column 1"),
    ],
)
def test_file_that_is_not_json(data, words):
    with pytest.raises(Problem, match=words):
        parse(data, "my.json")


def test_missing_file():
    with pytest.raises(Problem, match="cannot be read"):
        configure.main(["--file", "/nowhere/my.json"])


def test_same_check_as_on_board():
    assert checked(GOOD, "x") == GOOD
    assert configure.config_module().__file__.endswith("/modules/device/config.py")


def test_wrong_answer_is_told_and_asked_again(capsys):
    asked = []
    answers = iter(["class", "short", "longer-1", "192.0.2.1", "many", "1", "", ""])

    def reply(question):
        asked.append(question)
        return next(answers)

    values = ask_values({}, reply, reply)
    said = capsys.readouterr().out
    assert 'mqtt.port: found "many"' in said
    assert "wifi.password" in said and "short" not in said
    assert values["mqtt"]["port"] == 1
    assert values["wifi"]["password"] == "longer-1"
    assert asked.count("Broker's port (0: the usual one): ") == 2  # the wrong one is not offered
    assert asked[1] == asked[2] and asked[4] == asked[5]  # at once, before the next question


def test_missing_answer_is_told_and_asked_again(capsys):
    answers = iter(["", "class", "", "", "192.0.2.1", "", "", ""])
    values = ask_values({}, lambda _: next(answers), lambda _: next(answers))
    said = capsys.readouterr().out
    assert "wifi.ssid: missing" in said and "mqtt.server: missing" in said
    assert values["wifi"]["ssid"] == "class"


def test_wrong_value_on_board_is_told_and_not_offered(capsys, only_enter):
    values = {"wifi": {"ssid": "class"}, "mqtt": {"server": "192.0.2.1", "port": "many"}}
    assert "port" not in ask_values(values, only_enter, only_enter)["mqtt"]
    assert 'On the board: mqtt.port: found "many"' in capsys.readouterr().out


@pytest.fixture
def only_enter():
    """Enter at each question, asked once."""
    answers = iter([""] * 6)
    return lambda question: next(answers)


def test_enter_at_all_questions_takes_readme_example(only_enter):
    readme = (ROOT / "README.md").read_text()
    example = parse(readme.partition("```json\n")[2].partition("```")[0].encode(), "README.md")
    assert "port" not in example["mqtt"]
    assert ask_values(example, only_enter, only_enter) == example


@pytest.mark.parametrize("port", ["", None, []])
def test_enter_takes_usual_port_instead_of_wrong_one(port, only_enter):
    values = {"wifi": {"ssid": "class"}, "mqtt": {"server": "192.0.2.1", "port": port}}
    assert "port" not in ask_values(values, only_enter, only_enter)["mqtt"]


def never(question):
    raise AssertionError(f"asked in vain: {question}")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"mode": "blink"}, 'mode: found "blink"; allowed: "lights"'),
        ({"moode": "lights"}, 'moode: unknown key; did you mean "mode"?'),
        ({"wifi": {"ssid": "class", "pasword": CANARY}}, "wifi.pasword: unknown key"),
        ({"mqtt": {"platform": "onenet"}}, "mqtt.client_id: missing; give the device's name"),
        ({"topics": None}, "topics: found a value of the wrong form"),
    ],
)
def test_what_no_answer_can_cure_is_told_at_once(change, words):
    with pytest.raises(Problem) as problem:
        ask_values({**GOOD, **change}, never, never)
    assert words in str(problem.value)
    assert "make config FILE=my.json" in str(problem.value)
    assert CANARY not in str(problem.value)


def test_list_of_brokers_is_offered_and_typed_with_commas():
    values = {"wifi": {"ssid": "class"}, "mqtt": {"server": ["a.example", "b.example"]}}
    asked = []
    for typed, servers in (("", ["a.example", "b.example"]), ("c, d", ["c", "d"]), ("c", "c")):
        answers = iter(["", "", typed, "", "", ""])

        def reply(question):
            asked.append(question)
            return next(answers)

        assert ask_values(values, reply, reply)["mqtt"]["server"] == servers
    assert asked.count("Broker's address [a.example, b.example]: ") == 3


def test_each_network_of_list_is_asked():
    values = {
        "wifi": [{"ssid": "school", "password": CANARY}, {"ssid": "home"}],
        "mqtt": {"server": "192.0.2.1"},
    }
    asked = []
    answers = iter(["", "short", "longer-1", "at home", "", "", "", "", ""])

    def reply(question):
        asked.append(question)
        return next(answers)

    written = ask_values(values, reply, reply)
    assert written["wifi"] == [{"ssid": "school", "password": "longer-1"}, {"ssid": "at home"}]
    assert written["mqtt"] == values["mqtt"]
    assert asked[0] == "Network 1 of 2: Wi-Fi name [school]: "
    assert asked[1] == asked[2] and CANARY not in "".join(asked)
    assert asked[3] == "Network 2 of 2: Wi-Fi name [home]: "


def test_masking_shows_names_of_all_networks():
    networks = [
        {"ssid": "school", "password": CANARY},
        {"ssid": "home", "pasword": CANARY},
        CANARY,
    ]
    shown = masked({"wifi": networks})["wifi"]
    hidden = "********"
    assert shown[:2] == [
        {"ssid": "school", "password": hidden},
        {"ssid": "home", "pasword": hidden},
    ]
    assert shown[2] == hidden


@pytest.mark.parametrize("wifi", ["classroom", None, ["classroom"], []])
def test_what_stands_in_place_of_section_is_asked_again(wifi):
    answers = iter(["class", "", "192.0.2.1", "", "", ""])
    values = ask_values({"wifi": wifi}, lambda _: next(answers), lambda _: next(answers))
    assert values == {"wifi": {"ssid": "class"}, "mqtt": {"server": "192.0.2.1"}}


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_ctrl_d_and_ctrl_c_at_question_are_no_traceback(end):
    def leave(arguments):
        raise end

    with pytest.raises(SystemExit, match="stopped"):
        run(leave)


def test_masking_shows_what_is_known_and_not_secret():
    values = {
        "wifi": {"ssid": "class", "password": CANARY, "timeout": 30},
        "mqtt": {
            "platform": "onenet",
            "user": "me",
            "password": "",
            "tls": {"ca": "/ca.pem", "verify": True, "key": CANARY},
        },
        "topics": {"command": "light"},
        "mode": "blink",
        "brightness": None,
    }
    expected = json.loads(json.dumps(values).replace(CANARY, "********"))
    assert masked(values) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"wifi": {"ssid": "class", "pasword": CANARY}},
        {"wifi": CANARY},
        {"wifi": [CANARY]},
        {"wifi": {"ssid": {"password": CANARY}}},
        {"wifi": {"ssid": [CANARY]}},
        {"wifi": {"password": {"mode": CANARY}}},
        {"mqtt": CANARY},
        {"mqtt": {"server": f"mqtt://me:{CANARY}@broker"}},
        {"mqtt": {"passwort": [{"ssid": CANARY}]}},
        {"mqtt": {"platform": [CANARY], "tls": {"password": CANARY}}},
        {"password": CANARY},
        {"wlan": {"ssid": CANARY}},
    ],
    ids=json.dumps,
)
def test_masking_hides_all_else(values):
    assert CANARY not in json.dumps(masked(values))


def test_line_cut_while_writing_leaves_old_file(simulated):
    (simulated.flash / "config.json").write_text(json.dumps(GOOD))
    with open_repl(simulated.port) as repl:
        real = repl._transport.exec
        calls = []

        def failing(*arguments, **options):
            calls.append(arguments)
            if len(calls) > 2:
                raise OSError("the cable was pulled out")
            return real(*arguments, **options)

        repl._transport.exec = failing
        with pytest.raises(Problem, match="cannot store"):
            repl.replace_file("/config.json", b"x" * 1000)
    assert json.loads(simulated.file("config.json")) == GOOD


def test_file_that_arrives_damaged_is_not_taken(simulated, monkeypatch):
    (simulated.flash / "config.json").write_text(json.dumps(GOOD))
    with open_repl(simulated.port) as repl:
        monkeypatch.setattr(repl._transport, "fs_hashfile", lambda *arguments: b"another")
        with pytest.raises(Problem, match="arrived damaged"):
            repl.replace_file("/config.json", b"{}")
    assert json.loads(simulated.file("config.json")) == GOOD


STUBBORN = """
import time
print("stubborn")
while True:
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        pass
"""


def test_program_that_swallows_ctrl_c_has_cure(micropython, tmp_path, monkeypatch):
    monkeypatch.setattr("ci.board.repl._ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("ci.board.repl._STOP_SECONDS", 0.5)
    (tmp_path / "flash").mkdir()
    (tmp_path / "flash" / "main.py").write_text(STUBBORN)
    with SerialBoard(micropython, tmp_path / "flash") as board:
        assert board.wait_until_said(b"stubborn")
        with pytest.raises(Problem, match=r"hold button A .* \(safe mode"):
            with open_repl(board.port):
                pass


def test_port_without_micropython(monkeypatch):
    monkeypatch.setattr("ci.board.repl._ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("ci.board.repl._STOP_SECONDS", 0.1)
    _, end = os.openpty()
    with pytest.raises(Problem, match="no MicroPython prompt"):
        with open_repl(os.ttyname(end)):
            pass


def test_port_that_is_not_there():
    with pytest.raises(Problem, match="cannot be opened"):
        with open_repl("/dev/ttyNOWHERE"):
            pass


class Port:
    def __init__(self, device, vid=None, pid=None):
        self.device, self.vid, self.pid = device, vid, pid


PORTS = [
    Port("/dev/ttyS0"),
    Port("/dev/ttyUSB1", 0x10C4, 0xEA60),
    Port("/dev/ttyUSB2", 0x1A86, 0x7523),
    Port("/dev/ttyACM3", 0x2341, 0x0043),
]


def test_port_of_board_is_found_by_its_usb_ids(monkeypatch, board):
    for vid, pid in board.usb_ids:
        ports = [PORTS[0], Port("/dev/ttyUSB1", vid, pid), PORTS[-1]]
        monkeypatch.setattr("ci.board.ports.comports", lambda: ports)
        assert find_port("", board) == "/dev/ttyUSB1"


def test_ports_of_all_boards_are_found(monkeypatch):
    monkeypatch.setattr("ci.board.ports.comports", lambda: PORTS)
    assert find_ports("") == ["/dev/ttyUSB1", "/dev/ttyUSB2"]
    with pytest.raises(Problem, match="several boards are plugged in: .*ttyUSB1, /dev/ttyUSB2"):
        find_port("")
    assert find_port("COM7") == "COM7"
    assert find_ports("COM7 COM8") == ["COM7", "COM8"]


def test_no_board_names_other_ports(monkeypatch):
    monkeypatch.setattr("ci.board.ports.comports", lambda: [PORTS[0], PORTS[3]])
    with pytest.raises(Problem, match="add PORT=/dev/ttyACM3"):
        find_port("")
