"""Three nodes of RabbitMQ on this machine, which are one broker."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from tests.brokers.servers import PortMapper, RabbitMQ
from tests.mosquitto import free_port

NODES = 3


class Cluster:
    """The nodes, at the same port of 127.0.0.1, .2 and .3; `with` starts and ends them."""

    def __init__(self, folder: Path) -> None:
        self.mapper = PortMapper(folder)
        self.nodes = [
            RabbitMQ(folder / f"node{number}", self.mapper, number, NODES)
            for number in range(1, NODES + 1)
        ]
        self.port = free_port("127.0.0.1")
        for node in self.nodes:
            node.mqtt_port = self.port
            node.configure()

    def __enter__(self) -> Cluster:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.mapper)
            for node in self.nodes:
                stack.enter_context(node)
            # A session's queue is on the node where it was made: copies of it go to all.
            self.control("set_policy", "sessions", "^mqtt-subscription", '{"ha-mode": "all"}')
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def control(self, *words: str) -> str:
        """Call rabbitmqctl for the first node that runs; return what it says."""
        node = next(node for node in self.nodes if node.process is not None)
        done = subprocess.run(
            [node.home / "sbin" / "rabbitmqctl", "-n", node.node, *words],
            env={**os.environ, **node.environment()},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
