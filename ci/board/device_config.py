"""The board's own config.json code, modules/device/config.py, for use on the host."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

from ci.boards import ROOT

SHOWN_SECRET = "********"


def device_module(name: str) -> ModuleType:
    """Return a module of modules/device/, run by this Python. `name` is such as "config"."""
    if "device" not in sys.modules:
        folder = ROOT / "modules" / "device"
        spec = importlib.util.spec_from_file_location(
            "device", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules["device"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["device"])
    return importlib.import_module(f"device.{name}")


def config_module() -> ModuleType:
    """Return modules/device/config.py: what it accepts here, the board accepts."""
    return device_module("config")


def masked(values: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with all that might be a password replaced by asterisks.

    Shown are only the values of keys that the board knows and that are not secret: a password
    may also stand under a misspelt key, or in the place of a section.
    """
    return _masked(values, config_module().schema(values))


def _masked(value: Any, kind: Any) -> Any:
    if value in ("", None):
        return value
    if not isinstance(value, dict | list):
        return value if kind is not None and not kind.hides(value) else SHOWN_SECRET
    if isinstance(value, list) and isinstance(kind, device_module("kinds").Networks):
        return [_masked(each, kind) for each in value]
    if isinstance(value, list) or not hasattr(kind, "rules"):
        return SHOWN_SECRET
    return {key: _masked(inner, kind.kind(key)) for key, inner in value.items()}


def to_bytes(values: dict[str, Any]) -> bytes:
    """Return a configuration as the file that is written to a board."""
    return (json.dumps(values, indent=4, ensure_ascii=False) + "\n").encode()
