"""Print the packages of a dependency group of pyproject.toml, one a line:  group.py test"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def packages(groups: dict[str, list[str | dict[str, str]]], name: str) -> Iterator[str]:
    """Yield what the group asks for, with the groups that it includes."""
    for entry in groups[name]:
        if isinstance(entry, dict):
            yield from packages(groups, entry["include-group"])
        else:
            yield entry


if __name__ == "__main__":
    with PROJECT.open("rb") as file:
        print(*packages(tomllib.load(file)["dependency-groups"], sys.argv[1]), sep="\n")
