"""Programs that keep to micropython-lib's API, run with our client or with the original.

The original is found in the folder named by the environment variable MICROPYTHON_LIB, or below
build/; it is not part of this project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

from tests.tools.project import micropython_source
from tests.umqtt.client_program import START
from tests.umqtt.wire.broker import ScriptedBroker

PRELUDE = (
    """\
import sys, time
from umqtt import robust, simple
from umqtt.simple import MQTTClient, MQTTException
"""
    + START
    + """\
def callback(topic, message):
    got.append((topic, message))


"""
)


def original_client() -> Path | None:
    """The folder of micropython-lib, if there is one."""
    places = [Path(os.environ["MICROPYTHON_LIB"])] if "MICROPYTHON_LIB" in os.environ else []
    places.append(micropython_source() / "lib" / "micropython-lib")
    places = [place for place in places if (place / "micropython/umqtt.simple").is_dir()]
    return places[0] if places else None


def copy_original(folder: Path) -> Path | None:
    """Copy the original into `folder`, which programs can then import it from; None without it."""
    original = original_client()
    if not original:
        return None
    package = folder / "umqtt"
    package.mkdir(parents=True)
    for name in ("simple", "robust"):
        shutil.copy(original / f"micropython/umqtt.{name}/umqtt/{name}.py", package)
    return folder


class Client:
    """Runs programs with our client, or with the original."""

    def __init__(
        self, micropython: Path, broker: ScriptedBroker, folder: Path, original: bool
    ) -> None:
        self.micropython = micropython
        self.broker = broker
        self.folder = folder
        self.original = original
        self.environment = dict(os.environ)
        if original:
            self.environment["MICROPYPATH"] = f"{copy_original(folder / 'lib')}:.frozen"

    def run(
        self,
        program: str,
        conversation: Callable[[ScriptedBroker], None],
        timeout: float = 120,
    ) -> str | None:
        """Run program and conversation; return what went wrong, or None."""
        failures: list[BaseException] = []

        def converse() -> None:
            try:
                conversation(self.broker)
            except BaseException as failure:
                failures.append(failure)
                if self.broker.peer:
                    self.broker.peer.close()

        # `hexlify` is the original's own, in every release: each turn runs what it says it runs.
        check = f"assert hasattr(simple, 'hexlify') == {self.original}\n"
        script = self.folder / "program.py"
        script.write_text(PRELUDE + check + textwrap.dedent(program))
        thread = threading.Thread(target=converse, daemon=True)
        thread.start()
        try:
            result = subprocess.run(
                [self.micropython, script, str(self.broker.port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
                env=self.environment,
            )
        except subprocess.TimeoutExpired:
            return f"the program did not end within {timeout} s"
        thread.join(timeout)
        if result.returncode or failures or thread.is_alive():
            return f"{failures}\n{result.stdout}"
        return None
