"""Fill in the config.json of a board, or of many.

    python -m ci.board.configure [--port PORT]            asks, then writes it
    python -m ci.board.configure --file my.json [...]     writes a file, to every board plugged in
    python -m ci.board.configure --show [--port PORT]     prints it, secrets masked

What is written has passed the same check as on the board, and replaces the old file at once.
"""

from __future__ import annotations

import argparse
import copy
import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ci.board.device_config import config_module, masked, to_bytes
from ci.board.ports import find_port, find_ports
from ci.problem import Problem, run
from ci.board.repl import open_repl

Values = dict[str, Any]
Ask = Callable[[str], str]

# What most people need; a file given by FILE= can set everything else.
_QUESTIONS = (
    ("wifi", "ssid", "Wi-Fi name"),
    ("wifi", "password", "Wi-Fi password (empty: open network)"),
    ("mqtt", "server", "Broker's address"),
    ("mqtt", "port", "Broker's port (0: the usual one)"),
    ("mqtt", "user", "User name at the broker"),
    ("mqtt", "password", "Password at the broker"),
)
_KEEP_SECRET = "Enter keeps it, - empties it"
_ASKED = tuple(f"{section}.{key}: " for section, key, _ in _QUESTIONS)


class NotJson(Problem):
    """A configuration file that cannot even be read."""


def parse(data: bytes, source: str) -> Values:
    """Return the configuration in `data`, unchecked. Raises NotJson, with the place."""
    try:
        values = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotJson(f"{source}: not UTF-8 text; save it as UTF-8 in the editor") from error
    except ValueError as error:
        wrong = config_module().find_error(data.decode("utf-8-sig"))
        place = "line {}, column {}: {}".format(*wrong) if wrong else str(error)
        raise NotJson(f"{source}: {place}") from error
    if not isinstance(values, dict):
        raise NotJson(f"{source}: the file must hold an object {{...}}")
    return values


def checked(values: Values, source: str) -> Values:
    """Return `values` if the board would take them. Raises Problem with all that is wrong."""
    problems = config_module().check(values)
    if problems:
        raise Problem(f"{source} is not right, nothing was written:\n  " + "\n  ".join(problems))
    return values


_ask: Ask = input
_ask_secret: Ask = getpass.getpass


def ask_values(values: Values, ask: Ask, ask_secret: Ask) -> Values:
    """Ask for the usual settings, offering the present ones, until the board would take them.

    A key that was missing and is not answered stays out: the board has a default, or the check
    asks for it. Raises Problem if something is wrong that no answer can mend.
    """
    values = copy.deepcopy(values)
    for section, _, _ in _QUESTIONS:
        if not isinstance(values.get(section), dict):
            values[section] = {}
    _refuse_what_is_never_asked(values)
    while True:
        for section, key, question in _QUESTIONS:
            present = values[section].get(key)
            missing = not isinstance(present, (str, int))
            if missing:
                present = ""
            if key == "password":
                hint = f" [{_KEEP_SECRET}]" if present else ""
                answer = ask_secret(f"{question}{hint}: ")
                answer = {"": present, "-": "" if present else "-"}.get(answer, answer)
            else:
                hint = f" [{present}]" if present != "" else ""
                answer = ask(f"{question}{hint}: ").strip() or present
            if answer == "" and (missing or key == "port"):
                values[section].pop(key, None)
            else:
                values[section][key] = _number(answer) if key == "port" else answer
        problems = config_module().check(values)
        if not problems:
            return values
        print("That is not right yet:\n  " + "\n  ".join(problems))


def _refuse_what_is_never_asked(values: Values) -> None:
    problems = [
        problem for problem in config_module().check(values) if not problem.startswith(_ASKED)
    ]
    if problems:
        raise Problem(
            "config.json on the board is not right, nothing was written:\n  "
            + "\n  ".join(problems)
            + "\nmend it in the file: save what `make config SHOW=1` shows as my.json, correct it, "
            "put the passwords in place of the asterisks, then run `make config FILE=my.json`"
        )


def _number(answer: str | int) -> str | int:
    return int(answer) if str(answer).isascii() and str(answer).isdigit() else answer


def read_board(port: str) -> Values:
    """Return the configuration on a board; the template if it has none. Raises NotJson."""
    path = config_module().PATH
    with open_repl(port) as repl:
        data = repl.read_file(path)
    if data is None:
        return config_module().TEMPLATE
    return parse(data, f"{path} on the board at {port}")


def write_board(port: str, values: Values) -> None:
    """Write a checked configuration to a board and restart it."""
    with open_repl(port) as repl:
        repl.replace_file(config_module().PATH, to_bytes(values))
        repl.restart()
    print(f"{port}: config.json written; the board restarts.")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="configure", description="Fill in a board's config.json."
    )
    parser.add_argument("--port", default="")
    parser.add_argument("--file", default="")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(arguments)
    if options.file:
        try:
            data = Path(options.file).read_bytes()
        except OSError as error:
            raise Problem(f"{options.file} cannot be read: {error.strerror}") from error
        values = checked(parse(data, options.file), options.file)
        for port in find_ports(options.port):
            write_board(port, values)
        return
    port = find_port(options.port)
    if options.show:
        print(json.dumps(masked(read_board(port)), indent=4, ensure_ascii=False))
        return
    try:
        values = read_board(port)
    except NotJson as problem:
        print(f"{problem}; all is asked anew")
        values = config_module().TEMPLATE
    write_board(port, ask_values(values, _ask, _ask_secret))


if __name__ == "__main__":
    run(main)
