"""config inside the firmware: the same verdicts as on the host, and saving under kill -9."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ci.board.device_config import config_module
from tests.config import examples

# One example a line: all of them at once are more than the board's heap holds.
CHECK = """
import json, sys
from device import config
with open(sys.argv[1]) as file:
    for line in file:
        print(json.dumps(config.check(json.loads(line))))
print("ok")
"""

RESOLVE = """
import json, sys
from device import config, platforms
from umqtt import protocol
for line in open(sys.argv[1]):
    settings = platforms.resolve(config.complete(json.loads(line), "mpython", "24a160112233"))
    mqtt = settings["mqtt"]
    assert mqtt["server"] and 1 <= mqtt["port"] <= 65535, mqtt
    protocol.Session().connect(
        mqtt["client_id"], mqtt["clean_session"], mqtt["keepalive"], mqtt["user"], mqtt["password"]
    )
    topics = settings["topics"]
    protocol.topic_filter(topics.pop("command"))
    for topic in topics.pop("groups") + list(topics.values()):
        if topic:
            protocol.topic_name(topic)
print("ok")
"""

SAVE_FOR_EVER = """
from device import config
values = [{"wifi": {"ssid": c * 30}, "mqtt": {"server": c * 250, "user": c, "password": c * 900}} for c in "ab"]
config.save(values[0], "config.json")
print("saving")
while True:
    for value in values:
        config.save(value, "config.json")
"""


def write(configurations: list[Any], folder: Path) -> Path:
    file = folder / "configurations.json"
    file.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in configurations))
    return file


def verdict(problems: list[str]) -> list[str]:
    """Return problems in order, without what was found: CPython's json escapes more of it."""
    return sorted(re.sub(r"found .*; allowed", "found; allowed", text) for text in problems)


def test_board_gives_verdicts_of_host(run_script: Callable[..., str], tmp_path: Path) -> None:
    configurations = examples.GOOD + examples.BAD + examples.BAD_FOR_THE_BOARD_ALONE
    file = write(configurations, tmp_path)
    script = tmp_path / "check.py"
    script.write_text(CHECK)
    on_board = [json.loads(line) for line in run_script(script, str(file)).splitlines()[:-1]]
    on_host = [config_module().check(values) for values in configurations]
    assert [verdict(p) for p in on_board] == [verdict(p) for p in on_host]


def test_accepted_configuration_makes_client(
    run_script: Callable[..., str], tmp_path: Path
) -> None:
    """No accepted configuration makes the MQTT client raise later, on any platform."""
    file = write(examples.GOOD, tmp_path)
    script = tmp_path / "resolve.py"
    script.write_text(RESOLVE)
    run_script(script, str(file))


def test_kill_while_saving_leaves_whole_file(micropython: Path, tmp_path: Path) -> None:
    """kill -9 at a random moment leaves one of the two files, whole."""
    random.seed(5)
    file = tmp_path / "config.json"
    found = set()
    kills = 0
    while kills < 40 or (len(found) < 2 and kills < 1000):  # a busy machine saves little
        kills += 1
        process = subprocess.Popen(
            [str(micropython), "-c", SAVE_FOR_EVER], cwd=tmp_path, stdout=subprocess.PIPE
        )
        assert process.stdout and process.stdout.readline() == b"saving\n"
        time.sleep(random.random() * 0.03)
        process.kill()
        process.wait()
        process.stdout.close()
        values = json.loads(file.read_text())
        letter = values["wifi"]["ssid"][0]
        assert values == {
            "wifi": {"ssid": letter * 30},
            "mqtt": {"server": letter * 250, "user": letter, "password": letter * 900},
        }
        found.add(letter)
    assert found == {"a", "b"}, "every kill came at the same moment"
