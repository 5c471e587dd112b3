"""What `make run` plays with: the board's config.json, its access point, and the person's client."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from simulated_board import AccessPoint  # puts the project's folder on the path
from ci.board.broker import find_authority
from ci.board.device_config import config_module
from ci.problem import Problem

ACCESS_POINT = AccessPoint("classroom", "chalk and talk")
# Short, so that a run of 15 s sees several pings; the firmware pings after half of it.
_KEEPALIVE = 4
_ID = "02514d000001"  # machine.unique_id() of a simulated board
_CA = "ca.pem"  # on the board's disk


@dataclass
class RunSettings:
    """A whole configuration, and what else belongs to it."""

    values: dict[str, Any]  # of config.json, as written there
    settings: dict[str, Any]  # the same with all defaults, and names and ids in their places
    authority: Path | None = None  # the CA's certificate that the board gets, too

    @property
    def access_points(self) -> tuple[AccessPoint, ...]:
        """One for each network, all as near."""
        return tuple(
            AccessPoint(network["ssid"], network["password"]) for network in self.settings["wifi"]
        )

    @property
    def broker(self) -> tuple[str, int]:
        mqtt = self.settings["mqtt"]
        server = mqtt["server"] if isinstance(mqtt["server"], str) else mqtt["server"][0]
        return server, mqtt["port"] or (8883 if mqtt["tls"] else 1883)

    def topic(self, name: str) -> str:
        """Return the topic `command`, `state`, `status` or `display`; empty if the configuration has none."""
        return self.settings["topics"][name]

    def prepare(self, disk: Path) -> None:
        """Write the configuration, readable by its owner alone, to the board's disk."""
        disk.mkdir(parents=True, exist_ok=True)
        file = disk / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self.values, indent=2))
        if self.authority:
            (disk / _CA).write_bytes(self.authority.read_bytes())

    def make_client(self) -> paho.Client:
        """Return a client of the person's own, for the same broker with the same login."""
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        mqtt = self.settings["mqtt"]
        if mqtt["user"]:
            client.username_pw_set(mqtt["user"], mqtt["password"])
        if self.authority:
            client.tls_set(str(self.authority))
        elif mqtt["tls"]:
            client.tls_set(cert_reqs=ssl.CERT_NONE)
            client.tls_insecure_set(True)
        return client


def _complete(board: str, values: dict[str, Any], authority: Path | None = None) -> RunSettings:
    return RunSettings(values, config_module().complete(values, board, _ID), authority)


def of_broker(
    board: str, broker: tuple[str, int], user: str = "", password: str = "", tls: str = ""
) -> RunSettings:
    """Return settings for a broker: `tls` is empty, 1, or the path of the CA's certificate.

    Raises Problem if there is no such file.
    """
    mqtt: dict[str, Any] = {"server": broker[0], "port": broker[1], "keepalive": _KEEPALIVE}
    if user:
        mqtt |= {"user": user, "password": password}
    authority = find_authority(tls)
    if tls:
        mqtt["tls"] = {"ca": f"/{_CA}"} if authority else True
    values = {
        "wifi": {"ssid": ACCESS_POINT.ssid, "password": ACCESS_POINT.password},
        "mqtt": mqtt,
        "texts": True,
    }
    return _complete(board, values, authority)


def of_file(board: str, path: Path) -> RunSettings:
    """Return the settings of a config.json. Raises Problem with a line for each of its mistakes."""
    try:
        values, problems = config_module().read(str(path))
    except OSError as error:
        raise Problem(f"CONFIG={path} cannot be read: {error.strerror}") from None
    if not values:
        raise Problem("\n".join(f"{path}: {problem}" for problem in problems))
    if values["mqtt"].get("platform", "mqtt") != "mqtt":
        raise Problem(
            f'{path}: "make run" has a client for a broker of one\'s own only; '
            f"{values['mqtt']['platform']} needs the board"
        )
    return _complete(board, values)
