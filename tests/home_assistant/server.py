"""A real Home Assistant: started, told its broker, asked and commanded as its own page does it."""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.mosquitto import Mosquitto, free_port

# No `default_config` and no recorder: they want packages and the internet.
CONFIGURATION = """\
homeassistant:
  name: Classroom
  unit_system: metric
  time_zone: Asia/Shanghai
  latitude: 22.5
  longitude: 114.0
  elevation: 0
  country: CN
http:
  server_host: 127.0.0.1
  server_port: {port}
logger:
  default: warning
"""

Json = dict[str, Any]


class HomeAssistant:
    """A Home Assistant on a free loopback port; `start` it, then `onboard` it once.

    `program` is its `hass`. What it knows stays in `folder` from one start to the next.
    """

    def __init__(self, folder: Path, program: Path) -> None:
        self.program = program
        self.folder = folder
        folder.mkdir()
        self.public = folder / "www"  # which it serves as /local/
        self.public.mkdir()
        self.port = free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=self.port))
        self.log = folder / "output.log"
        self.token = ""
        self._refresh_token = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: ClientConnection | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[Json]] = {}
        self._changed = threading.Condition()
        self.states: dict[str, Json] = {}  # by entity id
        self.changes: list[Json] = []  # each state that there was, in order
        self.triggered: list[Json] = []  # what `watch_trigger` has seen

    # Life ----------------------------------------------------------------------------

    def start(self, timeout: float = 3000) -> None:
        """Start it and wait until it answers; it takes 5 s of CPU time."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.program), "-c", str(self.folder), "--skip-pip"],
                # What it has compiled is kept: the second start takes half as long.
                env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + timeout
        while not self._is_up():
            assert self._process.poll() is None, self.tail()
            assert time.monotonic() < deadline, f"no answer within {timeout} s; {self.tail()}"
            time.sleep(0.2)
        if self._refresh_token:
            self._log_in(grant_type="refresh_token", refresh_token=self._refresh_token)

    def _is_up(self) -> bool:
        # 401: it is there, and wants to know who asks.
        try:
            with urllib.request.urlopen(f"{self.url}/api/", timeout=10):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def stop(self) -> None:
        """End it as a service manager does, so that it keeps what it knows."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(300)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            self._process = None

    def tail(self, count: int = 20) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "Home Assistant's last lines were:\n" + "\n".join(lines[-count:])

    def complaints(self, about: str = "homeassistant.components.mqtt") -> list[str]:
        """Return its log's lines of the level warning and above that a component has written."""
        return [
            line
            for line in self.log.read_text(errors="replace").splitlines()
            if f"[{about}" in line and any(level in line for level in (" WARNING ", " ERROR "))
        ]

    # First steps ---------------------------------------------------------------------

    def onboard(self, broker: Mosquitto) -> None:
        """Make the first user, and add the integration MQTT with a broker."""
        user = {"name": "Teacher", "username": "teacher", "password": "chalk and talk"}
        answer = self.post(
            "/api/onboarding/users", client_id=f"{self.url}/", language="en", **user
        )
        self._log_in(grant_type="authorization_code", code=answer["auth_code"])
        flow = self.post("/api/config/config_entries/flow", handler="mqtt")
        assert flow["step_id"] == "broker", flow
        result = self.post(
            f"/api/config/config_entries/flow/{flow['flow_id']}",
            broker=broker.host,
            port=broker.port,
        )
        assert result["type"] == "create_entry", result

    def end_onboarding(self) -> None:
        """Take the other first steps, without which its page shows nothing else.

        It then tries integrations whose packages are not installed here, as its log tells.
        """
        self.post("/api/onboarding/core_config")
        self.post("/api/onboarding/analytics")
        home = f"{self.url}/"
        self.post("/api/onboarding/integration", client_id=home, redirect_uri=home)

    def browser_tokens(self) -> Json:
        """Return what its page keeps in the browser of a person who has logged in."""
        return {
            "access_token": self.token,
            "refresh_token": self._refresh_token,
            "token_type": "Bearer",
            "expires_in": 1800,
            "expires": int((time.time() + 1800) * 1000),
            "hassUrl": self.url,
            "clientId": f"{self.url}/",
        }

    def _log_in(self, **grant: str) -> None:
        # Its tokens are good for half an hour; a start takes a new one.
        form = urllib.parse.urlencode({"client_id": f"{self.url}/", **grant}).encode()
        with urllib.request.urlopen(f"{self.url}/auth/token", form, timeout=300) as response:
            tokens = json.load(response)
        self.token = tokens["access_token"]
        self._refresh_token = tokens.get("refresh_token", self._refresh_token)
        self._listen()

    # REST ----------------------------------------------------------------------------

    def post(self, path: str, **values: Any) -> Any:
        """POST JSON and return the answer."""
        request = urllib.request.Request(
            self.url + path,
            json.dumps(values).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error} {error.read()!r}") from error

    def call(self, service: str, entity: str, **data: Any) -> None:
        """Call a service, such as light.turn_on, for an entity."""
        domain, _, name = service.partition(".")
        self.post(f"/api/services/{domain}/{name}", entity_id=entity, **data)

    # WebSocket -----------------------------------------------------------------------

    def _listen(self) -> None:
        # All events and all states, in a thread, from now on.
        self._numbers = itertools.count(1)
        self._socket = connect(f"ws://127.0.0.1:{self.port}/api/websocket", max_size=None)
        assert json.loads(self._socket.recv(300))["type"] == "auth_required"
        self._socket.send(json.dumps({"type": "auth", "access_token": self.token}))
        assert json.loads(self._socket.recv(300))["type"] == "auth_ok"
        threading.Thread(target=self._receive, args=(self._socket,), daemon=True).start()
        self.states.clear()
        self.ask("subscribe_events")
        for state in self.ask("get_states"):
            self.states.setdefault(state["entity_id"], state)

    def _receive(self, websocket: ClientConnection) -> None:
        for text in websocket:
            message = json.loads(text)
            if message["type"] == "result":
                self._answers[message["id"]].put(message)
                continue
            with self._changed:
                event = message["event"]
                if event.get("event_type") == "state_changed":
                    data = event["data"]
                    if data["new_state"] is None:
                        self.states.pop(data["entity_id"], None)
                    else:
                        self.states[data["entity_id"]] = data["new_state"]
                        self.changes.append(data["new_state"])
                elif "variables" in event:
                    self.triggered.append(event["variables"]["trigger"])
                self._changed.notify_all()

    def ask(self, kind: str, timeout: float = 300, **values: Any) -> Any:
        """Send one command and return its result."""
        assert self._socket is not None
        number = next(self._numbers)
        answers = self._answers[number] = queue.Queue()
        self._socket.send(json.dumps({"id": number, "type": kind, **values}))
        answer = answers.get(timeout=timeout)
        assert answer["success"], f"{kind}: {answer['error']}"
        return answer["result"]

    def wait(self, what: str, condition: Callable[[], Any], timeout: float = 300) -> Any:
        """Wait until `condition()` is true and return its value.

        It is looked at after each event, and once a second: registries tell of some changes late.
        """
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            left = deadline - time.monotonic()
            assert left > 0, f"no {what} within {timeout} s; {self.tail()}"
            with self._changed:
                self._changed.wait(min(left, 1))
        return value

    # What it knows -------------------------------------------------------------------

    def devices(self) -> list[Json]:
        """Return the devices that MQTT has brought."""
        everything = self.ask("config/device_registry/list")
        return [device for device in everything if device["manufacturer"] is not None]

    def device(self, serial_number: str) -> Json | None:
        """Return the device with this serial number, if there is one."""
        found = [each for each in self.devices() if each["serial_number"] == serial_number]
        return found[0] if found else None

    def entities(self, device: Json) -> dict[str, Json]:
        """Return a device's entities by their unique ids."""
        everything = self.ask("config/entity_registry/list")
        return {
            entity["unique_id"]: entity
            for entity in everything
            if entity["device_id"] == device["id"]
        }

    def use_language(self, language: str) -> None:
        """Change its language; names change with the next start of what they are names of."""
        self.ask("config/core/update", language=language)
        (entry,) = self.ask("config_entries/get", domain="mqtt")
        self.post(f"/api/config/config_entries/entry/{entry['entry_id']}/reload")

    def watch_trigger(self, trigger: Json) -> None:
        """Have `triggered` collect how often a trigger fires, as an automation does."""
        self.ask("subscribe_trigger", trigger=trigger)
