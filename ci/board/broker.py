"""The broker that boards and tools share: its address, the login, and a client."""

from __future__ import annotations

import contextlib
import getpass
import os
import queue
import ssl
import sys
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from ci.problem import Problem

PASSWORD = "MQTT_PASSWORD"  # in the environment
_CONNECT = 15  # s
_GOODBYE = 10  # s


def parse_address(text: str, usual_port: int = 1883) -> tuple[str, int]:
    """Return host and port of `host` or `host:port`. Raises Problem."""
    host, _, port = text.partition(":")
    if not host or (port and not port.isdigit()):
        raise Problem(f"BROKER={text} is not host or host:port, such as 192.168.1.5:1883")
    number = int(port or usual_port)
    if not 1 <= number <= 65535:
        raise Problem(f"BROKER={text}: a port is a number from 1 to 65535")
    return host, number


def find_authority(tls: str) -> Path | None:
    """Return the file of the CA's certificate that TLS= names; None if it is empty or 1.

    Raises Problem if there is no such file.
    """
    if tls in ("", "1"):
        return None
    if not Path(tls).is_file():
        raise Problem(f"TLS={tls} is neither 1 nor the file of a CA's certificate")
    return Path(tls)


def find_password(user: str) -> str:
    """Return the password of `user`: from the environment, else asked for, or read from a pipe."""
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {user} at the broker: ")
    return sys.stdin.readline().rstrip("\n")


def leave(client: paho.Client) -> None:
    """Disconnect a client, and wait for the end of its thread, which `loop_start` has made."""
    client.disconnect()
    # paho-mqtt 2.2 forgets the thread when it ends, perhaps while loop_stop() looks at it.
    with contextlib.suppress(AttributeError):
        client.loop_stop()


class BrokerClient:
    """A connection that comes back by itself, and subscribes again; messages wait in `messages`.

    `tls` is empty, "1" for TLS that checks no certificate, or the file of the CA's certificate.
    Use it as a context manager. Raises Problem if there is no broker, or it refuses. Its end waits
    for the acknowledgement of what was published at QoS 1, 10 s at most: a connection that is closed
    while something comes in is reset, and takes with it what the broker has not read.
    """

    def __init__(
        self, broker: str, filters: list[str], user: str = "", password: str = "", tls: str = ""
    ) -> None:
        self.host, self.port = parse_address(broker, 8883 if tls else 1883)
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self._filters = filters
        self._answers: queue.Queue[Any] = queue.Queue()
        self._last: paho.MQTTMessageInfo | None = None  # acknowledged after all others
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(1000)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = lambda _, __, message: self.messages.put(message)
        if user:
            self._client.username_pw_set(user, password)
        if authority := find_authority(tls):
            self._client.tls_set(str(authority))
        elif tls:
            self._client.tls_set(cert_reqs=ssl.CERT_NONE)
            self._client.tls_insecure_set(True)

    def _on_connect(self, client: paho.Client, _: Any, __: Any, code: Any, ___: Any) -> None:
        if code.is_failure:
            self._answers.put(f"the broker at {self.host}:{self.port} refuses: {code}")
        elif self._filters:
            client.subscribe([(name, 1) for name in self._filters])
        else:
            self._answers.put("")

    def _on_subscribe(self, *rest: Any) -> None:
        refused = [name for name, code in zip(self._filters, rest[3]) if code.is_failure]
        self._answers.put(
            f"the broker does not let this user read {', '.join(refused)}" if refused else ""
        )

    def __enter__(self) -> BrokerClient:
        where = f"{self.host}:{self.port}"
        try:
            self._client.connect(self.host, self.port)
            self._client.loop_start()
            problem = self._answers.get(timeout=_CONNECT)
        except (OSError, ValueError) as error:
            raise Problem(f"no broker at {where} ({error}); check BROKER= and TLS=") from error
        except queue.Empty:
            problem = f"the broker at {where} does not answer; check BROKER= and TLS="
        if problem:
            leave(self._client)
            raise Problem(problem)
        return self

    def __exit__(self, *_: object) -> None:
        if self._last and self._client.is_connected():
            with contextlib.suppress(RuntimeError):  # published without a connection
                self._last.wait_for_publish(_GOODBYE)
        leave(self._client)

    def publish(self, topic: str, payload: str | bytes, qos: int, retain: bool = False) -> Any:
        """Publish, now or after the next connect."""
        message = self._client.publish(topic, payload, qos, retain)
        if qos:
            self._last = message
        return message

    def publish_and_wait(self, topic: str, payload: str | bytes, retain: bool = False) -> None:
        """Publish at QoS 1 and wait for the acknowledgement. Raises Problem if none comes."""
        message = self.publish(topic, payload, 1, retain)
        message.wait_for_publish(_CONNECT)
        if not message.is_published():
            raise Problem(f"the broker does not acknowledge what is published to {topic}")
