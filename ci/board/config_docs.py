"""Write docs/config.schema.json and the table of docs/config.md.

    python -m ci.board.config_docs

Both are made of modules/device/rules.py: of the rules themselves, and of the comment above each,
which says what the key means and costs no byte on a board.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from ci.board.device_config import device_module
from ci.boards import ROOT

Schema = dict[str, Any]

kinds = device_module("kinds")
platforms = device_module("platforms")
rules = device_module("rules")

RULES = ROOT / "modules" / "device" / "rules.py"
SCHEMA = ROOT / "docs" / "config.schema.json"
PAGE = ROOT / "docs" / "config.md"
TABLE = re.compile(r"^\| key \|.*?\n\n", re.MULTILINE | re.DOTALL)

# No control characters, no halves of surrogate pairs, no non-characters [MQTT-1.5.3-1].
_CONTROL = r"[\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
_TOPIC_NAME = "^[^+#]*$"
_TOPIC_FILTER = r"^(#|(\+|[^+#/]*)(/(\+|[^+#/]*))*(/#)?)$"
_BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"


def sentences() -> dict[str, str]:
    """Return what each key means: the comment above its rule."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in RULES.read_text().splitlines():
        line = line.strip()
        if line.startswith("# "):
            comment.append(line[2:])
        elif key := re.match(r'\(?"([a-z_.]+)",', line):
            if comment:
                found[key[1]] = " ".join(comment)
            comment = []
        elif line != "(":
            comment = []
    return found


# The table ------------------------------------------------------------------------------


def _size(kind: Any) -> str:
    return f"{kind.least} to {kind.most}" if kind.least else f"up to {kind.most}"


def _allowed(kind: Any) -> str:
    """Return what a kind allows, for people who read documentation."""
    match kind:
        case kinds.Number():
            return f"{kind.least} to {kind.most}"
        case kinds.Choice():
            return ", ".join(
                f"`{each if isinstance(each, str) else json.dumps(each)}`" for each in kind.choices
            )
        case kinds.Switch():
            return "`false`, `true`, or an object"
        case kinds.WifiPassword():
            return f'{_size(kind)} bytes, or `""`'
        case kinds.BoardName():
            return f"{_size(kind)} small letters, digits and `-`"
        case kinds.Label():
            others = " ".join(f"`{sign}`" for sign in kind.letters if not sign.isalnum())
            return f"{_size(kind)} letters, digits and {others}"
        case kinds.Topic():
            return f"a topic {'filter' if kind.filter else 'name'} of {_size(kind)} bytes"
        case kinds.Servers():
            one = _allowed(kinds.Server(kind.least))
            return f"{one}, or a list of 1 to {kind.most_servers} of them"
        case kinds.Server():
            return f"{_size(kind)} bytes without spaces, `:`, `/`, `@` and `,`"
        case kinds.Text():
            without = "".join(f" `{sign}`" for sign in kind.without)
            return f"{_size(kind)} bytes" + (f" without{without}" if without else "")
        case kinds.Groups():
            return f"a list of up to {kind.most} topic names of {_size(kind.topic)} bytes"
    raise TypeError(f"{type(kind).__name__}: say in ci/board/config_docs.py what it allows")


def _default(kind: Any, default: Any) -> str:
    if default is None:
        return "required"
    if isinstance(kind, kinds.HomeAssistant):
        return "none"
    return f"`{json.dumps(default)}`" if kind.accepts(default) else "the board's"


def make_table() -> str:
    """Return the table of all keys, as they are for a plain broker."""
    meanings = sentences()
    lines = ["| key | default | allowed | what it is |", "|---|---|---|---|"]
    for key, kind, default in rules.rules("mqtt"):
        if default != {}:  # a section has no row
            lines.append(
                f"| `{key}` | {_default(kind, default)} | {_allowed(kind)} | {meanings[key]} |"
            )
    return "\n".join(lines) + "\n"


# The JSON Schema --------------------------------------------------------------------------


def _text(kind: Any) -> Schema:
    schema: Schema = {"$ref": "#/$defs/text"}
    if kind.least:
        schema["minLength"] = kind.least
    schema["maxLength"] = kind.most
    return schema


def _kind_schema(kind: Any, path: str) -> Schema:
    match kind:
        case kinds.Switch():
            return {"oneOf": [{"type": "boolean"}, _section_schema(kind, path)]}
        case kinds.Networks():
            one = {"$ref": "#/$defs/network"}
            many = {"type": "array", "minItems": 1, "maxItems": kind.most, "items": one}
            return {"description": "one network, or a list of them", "oneOf": [one, many]}
        case kinds.Number():
            return {"type": "integer", "minimum": kind.least, "maximum": kind.most}
        case kinds.Choice(choices=(True, False)):
            return {"type": "boolean"}
        case kinds.Choice():
            return {"enum": list(kind.choices)}
        case kinds.OnenetKey():
            pattern = f"^(version=[!-~]*|{_BASE64})$"
            return {"$ref": "#/$defs/text", "minLength": 4, "maxLength": 1024, "pattern": pattern}
        case kinds.WifiPassword():
            anything = {"$ref": "#/$defs/text", "maxLength": kind.most}
            return {**anything, "anyOf": [{"const": ""}, {"minLength": kind.least}]}
        case kinds.BoardName():
            return {**_text(kind), "pattern": "^[a-z0-9-]*$"}
        case kinds.Label():
            letters = re.escape(kind.letters)
            for each in ("abcdefghijklmnopqrstuvwxyz", "0123456789"):
                letters = letters.replace(each, f"{each[0]}-{each[-1]}")
                letters = letters.replace(each.upper(), f"{each[0]}-{each[-1]}".upper())
            return {**_text(kind), "pattern": rf"^([{letters}]|\{{name\}}|\{{id\}})*$"}
        case kinds.Topic():
            return {**_text(kind), "pattern": _TOPIC_FILTER if kind.filter else _TOPIC_NAME}
        case kinds.Servers():
            one = _kind_schema(kinds.Server(kind.least), path)
            many = {"type": "array", "minItems": 1, "maxItems": kind.most_servers, "items": one}
            return {"oneOf": [one, many]}
        case kinds.Server():
            return {**_text(kind), "pattern": f"^[^ {kind.without}]*$"}
        case kinds.Text():
            schema = _text(kind)
            return {**schema, "pattern": f"^[^{kind.without}]*$"} if kind.without else schema
        case kinds.Groups():
            items = _kind_schema(kind.topic, path)
            return {"type": "array", "maxItems": kind.most, "uniqueItems": True, "items": items}
    raise TypeError(f"{type(kind).__name__}: say in ci/board/config_docs.py how a schema says it")


def _section_schema(section: Any, path: str = "") -> Schema:
    meanings = sentences()
    properties: Schema = {}
    required = []
    for key, kind, default in section.rules:
        full = f"{path}.{key}".lstrip(".")
        if isinstance(kind, kinds.Networks):
            properties[key] = _kind_schema(kind, full)
            is_required = True
        elif isinstance(kind, kinds.Section) and not isinstance(kind, kinds.Switch):
            properties[key] = _section_schema(kind, full)
            is_required = bool(properties[key]["required"])
        else:
            properties[key] = {"description": meanings[full], **_kind_schema(kind, full)}
            is_required = default is None
            if default is not None and kind.accepts(default):
                properties[key]["default"] = default
        if is_required:
            required.append(key)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _common(one: Schema, other: Schema) -> Schema:
    """Return what two schemas both say."""
    common: Schema = {}
    for key in one.keys() & other.keys():
        if key == "required":
            common[key] = [each for each in one[key] if each in other[key]]
        elif isinstance(one[key], dict) and isinstance(other[key], dict):
            common[key] = _common(one[key], other[key])
        elif one[key] == other[key]:
            common[key] = one[key]
    return {key: common[key] for key in one if key in common}


def _rest(schema: Schema, said: Schema) -> Schema:
    """Return what a schema says beyond what is said already."""
    rest: Schema = {}
    for key, value in schema.items():
        if key == "required":
            value = [each for each in value if each not in said[key]]
        elif isinstance(value, dict) and key in said:
            value = _rest(value, said[key])
        elif key in said:
            continue
        if value not in ({}, []):
            rest[key] = value
    return rest


def make_schema() -> Schema:
    """Return the JSON Schema: what holds for all platforms, then what each says beyond that."""
    wholes = {name: _section_schema(rules.schema(name)) for name in platforms.NAMES}
    common = functools.reduce(_common, wholes.values())
    alternatives = []
    for name, whole in wholes.items():
        chosen: Schema = {"properties": {"platform": {"const": name}}}
        condition: Schema = {"properties": {"mqtt": chosen}}
        if name != "mqtt":  # which need not be named
            chosen["required"] = ["platform"]
            condition["required"] = ["mqtt"]
        alternatives.append({"if": condition, "then": _rest(whole, common)})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.json of the MQTT boards",
        "description": "What modules/device/config.py accepts; made by `make docs-config`. Lengths"
        " are counted here in characters, on the board in bytes of UTF-8 with {name} and {id}"
        " filled in.",
        **common,
        "allOf": alternatives,
        "$defs": {
            # A platform has no say in it.
            "network": _section_schema(rules.schema("mqtt").kind("wifi"), "wifi"),
            "text": {
                "description": "without control characters",
                "type": "string",
                "not": {"pattern": _CONTROL},
            },
        },
    }


# Both -------------------------------------------------------------------------------------


def make_files() -> dict[Any, str]:
    """Return {path: text} of the two files as they should be."""
    page = PAGE.read_text()
    assert TABLE.search(page), f"{PAGE} has no table of keys"
    return {
        SCHEMA: json.dumps(make_schema(), indent=4) + "\n",
        PAGE: TABLE.sub(lambda _: make_table() + "\n", page, count=1),
    }


if __name__ == "__main__":
    for path, text in make_files().items():
        path.write_text(text)
        print(path.relative_to(ROOT))
