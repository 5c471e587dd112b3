"""A short run of the fuzzer, and whether it would find anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.umqtt.protocol import fuzz
from tests.umqtt.protocol.cpython import ROOT
from umqtt import protocol
from umqtt.protocol import Session


@pytest.mark.x86_64
def test_short_run_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.umqtt.protocol.fuzz", str(tmp_path / "corpus")]
    result = subprocess.run(
        [*command, "-runs=1500", "-seed=1"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Done 1500 runs" in result.stderr


def skip_one_read(session: Session) -> bool:
    """Of an oversize message skip what is there and forget the rest."""
    count = min(session._skip, session._end - session._start)
    session._start += count
    session._skip = 0
    return True


DEFECTS: dict[str, tuple[object, str, object]] = {
    "DUP is never set": (protocol, "DUP", 0),
    "identifier 0 is accepted": (protocol, "_check_identifier", lambda identifier: None),
    "any topic is accepted": (protocol, "validate_topic", lambda topic, strict: None),
    "any header is accepted": (protocol, "_check_header", lambda *header: None),
    "an identifier in use is taken": (Session, "_find", lambda session, identifier: None),
    "no PINGREQ is sent": (Session, "ping", lambda session: None),
    "silence is endured": (Session, "left", lambda session, now, since, limit: 1000),
    "oversize messages are cut short": (Session, "_skip_bytes", skip_one_read),
    "a session lasts forever": (Session, "_drop_session", lambda session: None),
    "PUBREL is not answered": (Session, "_handle_pubrel", lambda session, identifier: None),
    "SUBACK is not looked at": (Session, "_handle_suback", lambda session, *suback: None),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defect_is_found(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*DEFECTS[defect])
    with pytest.raises(Exception):
        for data in fuzz.random_inputs(500):
            fuzz.play(data)
