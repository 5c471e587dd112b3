"""Fill in the config.json of a board, or of many.

    python -m ci.board.configure [--port PORT]            asks, then writes it
    python -m ci.board.configure --file my.json [...]     writes a file, to every board plugged in
    python -m ci.board.configure --show [--port PORT]     prints it, secrets masked

What is written has passed the same check as on the board, and replaces the old file at once; then
the boards are watched until they are online. A board that is only read goes on as before.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import getpass
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.board.device_config import config_module, device_module, masked, to_bytes
from ci.board.ports import find_port, find_ports
from ci.image.signing import load_key, public_pem
from ci.problem import Problem, run
from ci.board.repl import PROMPT, Repl, open_repl

Values = dict[str, Any]
Ask = Callable[[str], str]

# What most people need; a file given by FILE= can set everything else.
_WIFI_QUESTIONS = (
    ("ssid", "Wi-Fi name"),
    ("password", "Wi-Fi password (empty: open network)"),
)
_BROKER_QUESTIONS = (
    ("server", "Broker's address"),
    ("port", "Broker's port (0: the usual one)"),
    ("user", "User name at the broker"),
    ("password", "Password at the broker"),
)
_OWN_PROGRAM = "/main.py"
_ONLINE_SECONDS = 60
# What the board says of its way to the broker, see docs/serial.md.
_TOLD = ("boot: ", "config: ", "wifi: ", "time: ", "mqtt: ")
_KEEP_SECRET = "Enter keeps it, - empties it"


class NotJson(Problem):
    """A configuration file that cannot even be read."""


def parse(data: bytes, source: str) -> Values:
    """Return the configuration in `data`, unchecked. Raises NotJson, with the place."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJson(f"{source}: not UTF-8 text; save it as UTF-8 in the editor") from error
    if error := device_module("json_text").find_error(text, unique=True):
        raise NotJson("{}: line {}, column {}: {}".format(source, *error))
    values = json.loads(text)
    if not isinstance(values, dict):
        raise NotJson(f"{source}: the file must hold an object {{...}}")
    return values


def checked(values: Values, source: str) -> Values:
    """Return `values` if the board would take them. Raises Problem with all that is wrong."""
    problems = config_module().check(values)
    if problems:
        raise Problem(f"{source} is not right, nothing was written:\n  " + "\n  ".join(problems))
    return values


def read_configuration(path: str) -> Values:
    """Return the configuration in a file of this computer, unchecked. Raises Problem."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from error
    return parse(data, path)


def files_for(values: Values) -> dict[str, bytes]:
    """Return the files that a board with a checked configuration gets, by their paths: the key that
    `update.key` names, and config.json.

    The key is the public half of this computer's own (`make ota-key`); a board of which that is
    elsewhere keeps what it has. Raises Problem if the key cannot be read.
    """
    files = {}
    path = values.get("update", {}).get("key", "")
    if path:
        if key := load_key():
            files["/" + path.lstrip("/")] = public_pem(key)
        else:
            print(f"update.key: no key on this computer (`make ota-key`); {path} is not copied")
    return {**files, config_module().PATH: to_bytes(values)}


_ask: Ask = input
_ask_secret: Ask = getpass.getpass


@dataclass(frozen=True)
class _Question:
    section: str
    index: int | None  # of a network in a list of them
    key: str
    text: str

    @property
    def path(self) -> str:
        """The key as the check's problems name it."""
        place = "" if self.index is None else f"[{self.index}]"
        return f"{self.section}{place}.{self.key}"

    def holder(self, values: Values) -> Values:
        """Return the object in `values` that holds the key."""
        section = values[self.section]
        return section if self.index is None else section[self.index]


def _questions(values: Values) -> list[_Question]:
    wifi = values["wifi"]
    questions = []
    for index in range(len(wifi)) if isinstance(wifi, list) else [None]:
        which = "" if index is None else f"Network {index + 1} of {len(wifi)}: "
        questions += [_Question("wifi", index, key, which + text) for key, text in _WIFI_QUESTIONS]
    return questions + [_Question("mqtt", None, key, text) for key, text in _BROKER_QUESTIONS]


def ask_values(values: Values, ask: Ask, ask_secret: Ask) -> Values:
    """Ask for the usual settings, offering the present ones; each until the board would take it.

    A key that was missing and is not answered stays out: the board has a default, or the check
    asks for it. Raises Problem if something is wrong that no answer can cure.
    """
    values = copy.deepcopy(values)
    for section in ("wifi", "mqtt"):
        if not _can_be_asked(section, values.get(section)):
            values[section] = {}
    questions = _questions(values)
    _refuse_what_is_never_asked(values, questions)
    for question in questions:
        _drop_if_wrong(values, question)
        while True:
            key = question.key
            present = question.holder(values)
            offered = present.get(key, "")
            if key == "password":
                hint = f" [{_KEEP_SECRET}]" if offered else ""
                answer = ask_secret(f"{question.text}{hint}: ")
                answer = {"": offered, "-": "" if offered else "-"}.get(answer, answer)
            else:
                shown = ", ".join(offered) if isinstance(offered, list) else offered
                hint = f" [{shown}]" if shown != "" else ""
                answer = ask(f"{question.text}{hint}: ").strip() or offered
            answered = copy.deepcopy(values)
            if answer == "" and (key not in present or key == "port"):
                question.holder(answered).pop(key, None)
            else:
                question.holder(answered)[key] = _typed(key, answer)
            problems = _problems_of(answered, question)
            if not problems:
                values = answered
                break
            print("\n".join(f"  {problem}" for problem in problems))
    return values


def _can_be_asked(section: str, value: Any) -> bool:
    if section == "wifi" and isinstance(value, list):
        return bool(value) and all(isinstance(network, dict) for network in value)
    return isinstance(value, dict)


def _problems_of(values: Values, question: _Question) -> list[str]:
    return [
        problem
        for problem in config_module().check(values)
        if problem.startswith(f"{question.path}: ")
    ]


def _drop_if_wrong(values: Values, question: _Question) -> None:
    """Offer nothing that the board would not take, and say so unless it is only not filled in."""
    holder = question.holder(values)
    problems = _problems_of(values, question) if question.key in holder else []
    if problems and holder.pop(question.key) not in ("", None):
        print("\n".join(f"  On the board: {problem}" for problem in problems))


def _refuse_what_is_never_asked(values: Values, questions: list[_Question]) -> None:
    asked = tuple(f"{question.path}: " for question in questions)
    problems = [
        problem for problem in config_module().check(values) if not problem.startswith(asked)
    ]
    if problems:
        raise Problem(
            "config.json on the board is not right, nothing was written:\n  "
            + "\n  ".join(problems)
            + "\nmend it in the file: save what `make config SHOW=1` shows as my.json, correct it, "
            "put the passwords in place of the asterisks, then run `make config FILE=my.json`"
        )


def _typed(key: str, answer: Any) -> Any:
    """Return an answer as the key's value: a port is a number, brokers have commas between them."""
    if key == "port" and str(answer).isascii() and str(answer).isdigit():
        return int(answer)
    if key == "server" and isinstance(answer, str) and "," in answer:
        return [server.strip() for server in answer.split(",")]
    return answer


def read_board(port: str) -> Values:
    """Return the configuration on a board; the template if it has none. Raises NotJson."""
    path = config_module().PATH
    with open_repl(port) as repl:
        data = repl.read_file(path)
    if data is None:
        return config_module().TEMPLATE
    return parse(data, f"{path} on the board at {port}")


def write_boards(ports: list[str], files: dict[str, bytes]) -> None:
    """Write files to boards, config.json the last of them, restart them, and wait until all are online.

    Blocks for up to a minute after the last one. Raises Problem if one cannot be written, or is
    written and does not get online.
    """
    with contextlib.ExitStack() as stack:
        watched = []
        for port in ports:
            repl = stack.enter_context(open_repl(port))
            for path, data in files.items():
                repl.make_folders(path)
                repl.replace_file(path, data)
            own_program = repl.exists(_OWN_PROGRAM)
            repl.restart()
            written = " and ".join(path.removeprefix("/") for path in files)
            print(f"{port}: {written} written; the board restarts.", flush=True)
            if own_program:
                print(f"{port}: it runs its own {_OWN_PROGRAM}, so it is not watched.")
            else:
                watched.append(repl)
        deadline = time.monotonic() + _ONLINE_SECONDS
        offline = [
            f"{repl.port}: config.json is written, but the board is not online: {reason}"
            for repl in watched
            if (reason := _wait_online(repl, deadline))
        ]
    if offline:
        raise Problem(
            "\n".join(offline) + "\nrun `make config` again to correct an answer, or "
            "`make monitor` to see more; docs/troubleshooting.md explains what the board says"
        )


def _wait_online(repl: Repl, deadline: float) -> str:
    """Print what a board says until it is online; return why it is not, "" if it is."""
    reason = "it says nothing"
    for line in repl.lines(deadline - time.monotonic()):
        if line == PROMPT:
            return f"{reason}; it has gone to its prompt"
        if line.startswith("setup: "):
            return f"{reason}; it has opened its set-up"
        if not line.startswith(_TOLD):
            continue
        print(f"{repl.port}: {line}", flush=True)
        reason = line
        if line.startswith("mqtt: connected "):
            return ""
        if line.startswith("mqtt: the broker "):  # it has answered; the next try is a minute away
            return line
    return f"{reason}; it goes on trying"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="configure", description="Fill in a board's config.json."
    )
    parser.add_argument("--port", default="")
    parser.add_argument("--file", default="")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args(arguments)
    if options.file:
        values = checked(read_configuration(options.file), options.file)
        write_boards(find_ports(options.port), files_for(values))
        return
    port = find_port(options.port)
    if options.show:
        print(json.dumps(masked(read_board(port)), indent=4, ensure_ascii=False))
        return
    try:
        values = read_board(port)
    except NotJson as problem:
        print(f"{problem}; all is asked again")
        values = config_module().TEMPLATE
    # The board runs while its person types, and goes on as it was if they stop.
    values = checked(ask_values(values, _ask, _ask_secret), "config.json")
    write_boards([port], {config_module().PATH: to_bytes(values)})


if __name__ == "__main__":
    run(main)
