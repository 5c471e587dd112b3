"""docs/mosquitto.acl with a real Mosquitto: only the teacher starts updates."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.classroom import Person
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.mosquitto

USERS = ("teacher", "boards", "pupils")
BOARD = "mpython/02514d000001"


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Mosquitto]:
    """A Mosquitto with the three logins; each password is the user's name."""
    folder = tmp_path_factory.mktemp("rights")
    passwords, rights = folder / "passwords", folder / "mosquitto.acl"
    passwords.touch(mode=0o600)
    for user in USERS:
        command = ["mosquitto_passwd", "-b", passwords, user, user]
        subprocess.run(command, check=True, capture_output=True)
    shutil.copy(root / "docs" / "mosquitto.acl", rights)
    broker = Mosquitto(folder, f"user root\npassword_file {passwords}\nacl_file {rights}\n")
    broker.start()
    yield broker
    broker.stop()


def enter(broker: Mosquitto, user: str, *topics: str) -> Person:
    return Person(broker, *topics, login=(user, user))


def may_publish(broker: Mosquitto, user: str, topic: str) -> bool:
    """Whether what `user` publishes to `topic` reaches the teacher."""
    teacher = enter(broker, "teacher", "#")
    person = enter(broker, user)
    person.publish(topic, "x")
    person.publish("class/end", "x")  # a broker keeps the order of what a client publishes
    arrived = teacher.messages.get(timeout=60).topic
    for client in (teacher, person):
        client.close()
    assert arrived in (topic, "class/end")
    return arrived == topic


def may_read(broker: Mosquitto, user: str, topic: str) -> bool:
    """Whether what the teacher publishes to `topic` reaches `user`."""
    person = enter(broker, user, topic, "class/end")
    teacher = enter(broker, "teacher")
    teacher.publish(topic, "x")
    teacher.publish("class/end", "x")
    arrived = person.messages.get(timeout=60).topic
    for client in (teacher, person):
        client.close()
    return arrived == topic


STARTS = (f"{BOARD}/update/set", f"{BOARD}/update/data", "mpython/update/offer")


@pytest.mark.parametrize("topic", STARTS)
def test_only_teacher_starts_updates(classroom: Mosquitto, topic: str) -> None:
    assert {user: may_publish(classroom, user, topic) for user in USERS} == {
        "teacher": True,
        "boards": False,
        "pupils": False,
    }


@pytest.mark.parametrize("topic", STARTS)
def test_boards_hear_of_updates(classroom: Mosquitto, topic: str) -> None:
    assert may_read(classroom, "boards", topic)


@pytest.mark.parametrize("last", ["get", "state", "result"])
def test_only_boards_tell_of_updates(classroom: Mosquitto, last: str) -> None:
    assert may_publish(classroom, "boards", f"{BOARD}/update/{last}")
    assert not may_publish(classroom, "pupils", f"{BOARD}/update/{last}")


def test_lights_are_for_pupils_too(classroom: Mosquitto) -> None:
    assert may_publish(classroom, "pupils", f"{BOARD}/command")
    assert may_read(classroom, "boards", f"{BOARD}/command")
    assert may_publish(classroom, "boards", f"{BOARD}/state")
    assert may_read(classroom, "pupils", f"{BOARD}/state")
