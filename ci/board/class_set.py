"""Fill in the config.json of a whole class's boards, one after the other as they are plugged in.

    python -m ci.board.class_set --file class.json [--csv class.csv] [--port PORT ...]

The file holds what all boards share. The list, if there is one, has a row a board: its `id` and
the keys that are its own, such as `name` or `topics.command`; an empty cell takes the file's value.
A board whose id is not in the list gets the first row without one, and the list then says so. The
same command run again changes nothing on a board that has its configuration already.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import csv
import io
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.board.configure import Values, checked, files_for, read_configuration
from ci.board.device_config import config_module
from ci.board.ports import plugged_in, port_exists
from ci.board.repl import open_repl
from ci.problem import Problem, run

_ID = re.compile(r"[0-9a-f]{12}")
_READ_ID = "import machine; print(machine.unique_id().hex())"
_LOOK_SECONDS = 0.5


@dataclass
class Row:
    """A line of the class's list."""

    line: int
    cells: dict[str, str]  # by column, `id` among them

    @property
    def board_id(self) -> str:
        return self.cells["id"]


class ClassList:
    """The class's boards, by id, as a CSV file that a spreadsheet can open."""

    def __init__(self, path: Path, shared: Values) -> None:
        """Read the list. Raises Problem if it or the configuration of any row is wrong."""
        self._path = path
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise Problem(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Problem(f"{path}: not UTF-8 text; save it as CSV UTF-8") from error
        # Spreadsheets write semicolons where the comma is the decimal point.
        header = text.splitlines()[0] if text else ""
        self._delimiter = max(",;\t", key=header.count)
        # Lines end in \r alone where an old spreadsheet wrote them.
        lines = csv.reader(io.StringIO(text, newline=None), delimiter=self._delimiter)
        try:
            table = [
                (number, [cell.strip() for cell in cells])
                for number, cells in enumerate(lines, 1)
                if any(cell.strip() for cell in cells)
            ]
        except csv.Error as error:
            raise Problem(f"{path}, line {lines.line_num}: {error}; save it as CSV") from error
        if not table or "id" not in table[0][1]:
            raise Problem(f"{path}: the first line must name the columns, one of them `id`")
        self._columns = table[0][1]
        if len(set(self._columns)) < len(self._columns):
            raise Problem(f"{path}: a column stands there twice")
        self.rows = [self._row(line, cells) for line, cells in table[1:]]
        self._refuse_wrong_rows(shared)

    def _row(self, line: int, cells: list[str]) -> Row:
        if len(cells) > len(self._columns):
            raise Problem(f"{self._path}, line {line}: more cells than columns")
        cells += [""] * (len(self._columns) - len(cells))
        row = Row(line, dict(zip(self._columns, cells)))
        row.cells["id"] = row.board_id.lower()
        if row.board_id and not _ID.fullmatch(row.board_id):
            raise Problem(
                f"{self._path}, line {line}: {row.board_id!r} is no board's id, which has 12 "
                "digits and letters from a to f; leave the cell empty and it is filled in"
            )
        return row

    def _refuse_wrong_rows(self, shared: Values) -> None:
        lines: dict[str, int] = {}
        for row in self.rows:
            values_of(shared, row, f"{self._path}, line {row.line}")
            if row.board_id and lines.setdefault(row.board_id, row.line) != row.line:
                raise Problem(
                    f"{self._path}: lines {lines[row.board_id]} and {row.line} are both about "
                    f"{row.board_id}"
                )

    def row_of(self, board_id: str) -> Row:
        """Return a board's row, or the first that is nobody's. Raises Problem if there is none."""
        for wanted in (board_id, ""):
            for row in self.rows:
                if row.board_id == wanted:
                    return row
        raise Problem(f"{self._path} has no row left for the board {board_id}: add one")

    def take(self, row: Row, board_id: str) -> None:
        """Write down whose the row is. Raises Problem if that cannot be."""
        if row.board_id == board_id:
            return
        row.cells["id"] = board_id
        file = io.StringIO()
        writer = csv.writer(file, delimiter=self._delimiter, lineterminator="\r\n")
        writer.writerow(self._columns)
        writer.writerows([row.cells[column] for column in self._columns] for row in self.rows)
        new = self._path.with_name(self._path.name + ".new")
        try:
            new.touch(mode=0o600)  # a column may hold passwords: it stays as private as it was
            new.write_bytes(file.getvalue().encode("utf-8-sig"))  # the mark tells Excel
            shutil.copymode(self._path, new)
            new.replace(self._path)
        except OSError as error:
            row.cells["id"] = ""
            raise Problem(
                f"{self._path} cannot be written ({error.strerror}): close it in other programs"
            ) from error


def values_of(shared: Values, row: Row, source: str) -> Values:
    """Return the whole configuration of a row's board. Raises Problem if the board refuses it."""
    values = copy.deepcopy(shared)
    for key, cell in row.cells.items():
        if key != "id" and cell:
            _set(values, key, cell)
    return checked(values, source)


def _set(values: Values, key: str, cell: str) -> None:
    # A cell has no type: it is text where the board takes text, else what JSON makes of it.
    *sections, name = key.split(".")
    section = values
    for each in sections:
        section = section.setdefault(each, {})
        if not isinstance(section, dict):
            raise Problem(f"{key}: `{each}` is no section in the class's file")
    readings: list[Any] = [cell]
    with contextlib.suppress(ValueError):
        value = json.loads(cell)
        # One broker in brackets is a list, and not a name that has brackets.
        readings.insert(0 if isinstance(value, list) else 1, value)
    for reading in readings:
        section[name] = reading
        if not any(problem.startswith(f"{key}: ") for problem in config_module().check(values)):
            return


def configure(port: str, shared: Values, boards: ClassList | None) -> tuple[str, str, bool]:
    """Give the board at a port its configuration, and the key that this names.

    Returns its id, the name that it gives it, and whether anything was written. Blocks for some
    seconds. Raises Problem if the board does not answer, or if the list has no row for it.
    """
    with open_repl(port) as repl:
        board_id = repl.execute(_READ_ID).strip()
        values = shared
        if boards:
            row = boards.row_of(board_id)
            values = values_of(shared, row, f"line {row.line} of the list")
            # First: should the board fail now, it finds its row again.
            boards.take(row, board_id)
        files = files_for(values)
        missing = [path for path, data in files.items() if not repl.has_file(path, data)]
        for path in missing:
            repl.make_folders(path)
            repl.replace_file(path, files[path])
        repl.restart()
    return board_id, values.get("name", ""), bool(missing)


def _present(asked: str) -> set[tuple[str, int]]:
    """Return the ports at which something is plugged in.

    Each has a number, which is another one when it has been unplugged and plugged in again between
    two looks, while other boards were written. Windows has no such number.
    """
    ports = [port for port in asked.split() if port_exists(port)] if asked else plugged_in(None)
    return {(port, _node(port)) for port in ports}


def _node(port: str) -> int:
    try:
        return os.stat(port).st_ino
    except OSError:
        return 0


def _new_ports(asked: str) -> Iterator[list[str]]:
    """Give, again and again, the ports at which a board has been plugged in since the last time.

    A port that has just appeared may not be open to everybody yet: it is given a look later.
    """
    before: set[tuple[str, int]] = set()
    given: set[tuple[str, int]] = set()
    while True:
        ports = _present(asked)
        given &= ports
        new = sorted((ports & before) - given)
        given.update(new)
        before = ports
        yield [port for port, _ in new]
        time.sleep(_LOOK_SECONDS)


def watch(asked: str, shared: Values, boards: ClassList | None) -> None:
    """Give each board its configuration as it is plugged in, until the whole list has been there.

    Without a list it ends by Ctrl-C. A board that fails is told about, and may be plugged in again.
    """
    done: set[str] = set()
    total = f" of {len(boards.rows)}" if boards else ""
    print("Plug in a board, or several at a hub. Ctrl-C ends.", flush=True)
    for ports in _new_ports(asked):
        for port in ports:
            try:
                board_id, name, written = configure(port, shared, boards)
            except Problem as problem:
                print(f"{port}: {problem}\n  then plug the board in again", flush=True)
                continue
            done.add(board_id)
            told = f"{board_id} {name}".rstrip() + ("" if written else ", which had it already")
            print(f"{port}: {len(done)}{total} done: {told}. Unplug it.", flush=True)
        if boards and len(done) == len(boards.rows):
            print("That was the last board of the list.")
            return


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="class_set", description="Fill in a class's boards.")
    parser.add_argument("--port", default="")
    parser.add_argument("--file", required=True)
    parser.add_argument("--csv", default="")
    options = parser.parse_args(arguments)
    if not options.file:
        raise Problem("add FILE=class.json, the configuration that all boards share")
    shared = read_configuration(options.file)
    boards = None
    if options.csv:
        boards = ClassList(Path(options.csv), shared)
    else:
        checked(shared, options.file)
    watch(options.port, shared, boards)


if __name__ == "__main__":
    run(main)
