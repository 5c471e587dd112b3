"""The board's own config.json code, modules/device/config.py, for use on the host."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

from ci.boards import ROOT

SHOWN_SECRET = "********"


def config_module() -> ModuleType:
    """Return modules/device/config.py, run by this Python: what it accepts, the board accepts."""
    path = ROOT / "modules" / "device" / "config.py"
    spec = importlib.util.spec_from_file_location("device_config_module", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def masked(values: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with all that might be a password replaced by asterisks.

    Shown are only the values of keys that the board knows and that are not secret: a password
    may also stand under a misspelt key, or in the place of a section.
    """
    return _masked(values, config_module()._schema(values))  # the schema is written nowhere else


def _masked(value: Any, kind: Any) -> Any:
    if value in ("", None):
        return value
    if not isinstance(value, dict | list):
        return value if kind is not None and not kind.secret else SHOWN_SECRET
    rules = getattr(kind, "rules", None)
    if isinstance(value, list) or rules is None:
        return SHOWN_SECRET
    # mqtt.tls is a choice between plain values and a section.
    kinds = {key: inner for key, inner, _ in getattr(rules, "rules", rules)}
    return {key: _masked(inner, kinds.get(key)) for key, inner in value.items()}


def to_bytes(values: dict[str, Any]) -> bytes:
    """Return a configuration as the file that is written to a board."""
    return (json.dumps(values, indent=4, ensure_ascii=False) + "\n").encode()
