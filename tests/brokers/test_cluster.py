"""Boards on three nodes of RabbitMQ, one of which is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulated_board import SimulatedBoard
from tests.brokers.cluster import NODES, Cluster
from tests.brokers.servers import RabbitMQ
from tests.classroom import ACCESS_POINT, Person

pytestmark = [pytest.mark.brokers, pytest.mark.simulator, pytest.mark.mosquitto]

GROUP = "class/all"
# Seconds. A board is back after up to 2 s that spread it, on a busy machine and broker later.
SPREAD = 2.0
BOUND = 120.0


def start_board(cluster: Cluster, number: int, folder: Path) -> SimulatedBoard:
    """Return board `number`, not yet started; the first board's list begins with the first node, the
    second one's with the second, and after the last node with the first again.
    """
    flash = folder / f"flash{number}"
    flash.mkdir()
    servers = [node.host for node in cluster.nodes]
    first = (number - 1) % NODES
    values = {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": {
            "server": servers[first:] + servers[:first],
            "port": cluster.port,
            "clean_session": False,
        },
        "topics": {"command": f"class/{number}", "groups": [GROUP]},
    }
    (flash / "config.json").write_text(json.dumps(values))
    environment = {"SIM_ID": str(number)}
    return SimulatedBoard(flash=flash, access_points=(ACCESS_POINT,), environment=environment)


def first_heard(origin: RabbitMQ, node: RabbitMQ) -> str:
    """Retain a message at `origin`; return what a newcomer at `node` hears first, it or a marker."""
    with ExitStack() as stack:
        teller = Person(origin)  # type: ignore[arg-type]
        stack.callback(teller.close)
        teller.publish("kept", "m", retain=True)
        newcomer = Person(node, "kept", "marker")  # type: ignore[arg-type]
        stack.callback(newcomer.close)
        newcomer.publish("marker", "m")
        return newcomer.messages.get(timeout=60).topic


def test_boards_of_killed_node_are_back_on_others(
    tmp_path: Path, report: Callable[[str, str], None]
) -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(tmp_path / "cluster"))
        boards = [
            stack.enter_context(start_board(cluster, number, tmp_path))
            for number in range(1, NODES + 2)
        ]
        for board, node in zip(boards, [*cluster.nodes, cluster.nodes[0]], strict=True):
            board.wait_line(f"mqtt: connected {node.host}:{cluster.port}", timeout=300)
            board.wait_line(f"mqtt: subscribed {GROUP}/command qos=1", timeout=300)
        last: RabbitMQ = cluster.nodes[-1]
        person = Person(last)  # type: ignore[arg-type]
        stack.callback(person.close)

        # A command at one node reaches the boards on all.
        person.publish(f"{GROUP}/command", "#010203")
        for board in boards:
            board.wait_line("lights: on #010203")

        # What is retained stays on its node.
        assert [first_heard(cluster.nodes[0], node) for node in cluster.nodes] == [
            "kept",
            "marker",
            "marker",
        ]

        # A node dies while one of its two boards is out of reach. The sessions are on the others, too.
        lost, *others, orphan = boards
        lost.command("outage", value=True, noticed_after_ms=200)
        lost.wait_line("wifi: lost")
        seen = len(orphan.lines)
        killed = time.monotonic()
        cluster.nodes[0].stop(kill=True)
        back = orphan.wait_line("mqtt: connected", since=seen, timeout=BOUND)
        seconds = time.monotonic() - killed
        report("cluster", f"a node of RabbitMQ is killed: on another node after {seconds:.1f} s")
        assert cluster.nodes[0].host not in back and back.endswith("session=1"), back
        # Of its own it waited for its part of two seconds alone, and no node was asked twice.
        said = orphan.lines[seen : orphan.lines.index(back, seen)]
        waits = [float(line.split()[-2]) for line in said if line.startswith("mqtt: lost")]
        assert sum(waits) <= SPREAD and 0 < len(waits) <= NODES, said
        person.publish("class/1", "#040506")
        seen = len(lost.lines)
        lost.command("outage", value=False)
        back = lost.wait_line("mqtt: connected", since=seen, timeout=300)
        assert cluster.nodes[0].host not in back and back.endswith("session=1"), back
        lost.wait_line("lights: on #040506", since=seen)
        person.publish(f"{GROUP}/command", "#070809")
        for board in boards:
            board.wait_line("lights: on #070809")
        assert not any("mqtt: lost" in line for board in others for line in board.lines)
