"""The board's own config.json code, modules/config.py, for use on the host."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

from ci.boards import ROOT

SHOWN_SECRET = "********"
_SECRET_KEYS = {"password"}


def config_module() -> ModuleType:
    """Return modules/config.py, run by this Python: what it accepts, the board accepts."""
    path = ROOT / "modules" / "config.py"
    spec = importlib.util.spec_from_file_location("device_config_module", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def masked(values: Any) -> Any:
    """Return a configuration with every secret that is set replaced by asterisks."""
    if not isinstance(values, dict):
        return values
    return {
        key: SHOWN_SECRET if key in _SECRET_KEYS and value != "" else masked(value)
        for key, value in values.items()
    }


def to_bytes(values: dict[str, Any]) -> bytes:
    """Return a configuration as the file that is written to a board."""
    return (json.dumps(values, indent=4, ensure_ascii=False) + "\n").encode()
