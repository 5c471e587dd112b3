"""GitHub's ${{ expressions }}, as far as this project's workflows use them."""

from __future__ import annotations

import json
import re
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")


def evaluate(expression: str, contexts: dict[str, Any]) -> Any:
    """Return the value of an expression: a path, a 'text', a || b, a == b, fromJson(a), failure().

    What a path does not lead to is None, as it is empty at GitHub.
    """
    for operator in ("||", "=="):
        left, found, right = expression.partition(f" {operator} ")
        if found:
            values = evaluate(left, contexts), evaluate(right, contexts)
            return values[0] == values[1] if operator == "==" else values[0] or values[1]
    if expression.startswith("'"):
        return expression.strip("'")
    if expression == "failure()":
        return contexts["failed"]
    if expression == "cancelled()":
        return False  # nobody cancels here
    if expression.startswith("fromJson("):
        return json.loads(evaluate(expression[len("fromJson(") : -1], contexts))
    if not re.fullmatch(r"[\w.-]+", expression):
        raise ValueError(f"this program does not know GitHub's expression {expression!r}")
    value: Any = contexts
    for name in expression.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def fill_in(text: Any, contexts: dict[str, Any]) -> Any:
    """Return a value of a workflow with its expressions replaced; one alone keeps its type."""
    if not isinstance(text, str):
        return text
    alone = _EXPRESSION.fullmatch(text)
    if alone:
        return evaluate(alone.group(1), contexts)
    return _EXPRESSION.sub(lambda found: str(evaluate(found.group(1), contexts) or ""), text)
