"""Filters and topics to measure matching with: `python benchmarks/workloads.py` writes them.

The files in benchmarks/workloads/ are checked in, so that figures can be compared; a test makes
sure that they are what this file generates. Each has three parts of one line a text: filters,
topics that match at least one filter, and topics that only just match none.
"""

import dataclasses
import itertools
import lzma
import pathlib
import random

FOLDER = pathlib.Path(__file__).parent / "workloads"
SIZES = (8, 64, 1000, 10000)
TOPICS = 256
SEED = 3

# What a level may be called, from the first to the last. The number of rooms and devices grows
# with the number of filters.
PLACES = ["home", "school", "library", "workshop"]
FLOORS = ["ground", "first", "second", "roof", "garden", "basement"]
ROOMS = ["room", "kitchen", "office", "lab", "hall", "studio"]
DEVICES = ["light", "sensor", "display", "switch", "board", "heater", "robot"]
QUANTITIES = ["temperature", "humidity", "brightness", "colour", "power", "battery", "state"]
LAST = ["set", "raw", "mean", "unit"]


@dataclasses.dataclass
class Workload:
    filters: list[bytes]
    hits: list[bytes]
    misses: list[bytes]


def matches(filter: tuple[str, ...], topic: list[str]) -> bool:
    """Match by levels; no topic here begins with "$", and no filter with "$share/"."""
    if filter[-1] == "#":
        filter = filter[:-1]
        if len(topic) < len(filter):
            return False
    elif len(topic) != len(filter):
        return False
    return all(part in ("+", level) for part, level in zip(filter, topic))


class Generator:
    def __init__(self, size: int) -> None:
        self.size = size
        self.random = random.Random(SEED * size)
        numbered = max(1, round(size**0.5 / 3))
        self.levels = [
            PLACES,
            FLOORS,
            [f"{room}{i}" for i in range(1, numbered + 1) for room in ROOMS],
            [f"{device}{i}" for i in range(1, numbered + 1) for device in DEVICES],
            QUANTITIES,
            ["value"] + LAST,
            ["now", "hour", "day"],
        ]

    def below(self, limit: int) -> int:
        return int(self.random.random() * limit)

    def choose(self, options: list) -> str:
        return options[self.below(len(options))]

    def topic(self) -> list[str]:
        depth = self.choose([3, 4, 5, 5, 5, 5, 6, 7])
        return [self.choose(self.levels[i]) for i in range(depth)]

    def filter(self, number: int) -> list[str]:
        levels = self.topic()
        kind = number * 0.618034 % 1  # evenly spread
        if kind >= 0.58:
            if kind < 0.94:
                levels[self.below(len(levels))] = "+"
            if 0.72 <= kind < 0.80:
                levels[self.below(len(levels))] = "+"
            if kind >= 0.80:
                levels[max(3, len(levels) - 1 - self.below(2)) :] = ["#"]
        return levels

    def hit(self, filter: list[str]) -> list[str]:
        """A topic that the filter matches."""
        levels = list(filter)
        if levels[-1] == "#":
            levels.pop()
            deepest = min(len(levels) + self.below(3), len(self.levels))
            levels += [self.choose(self.levels[i]) for i in range(len(levels), deepest)]
        return [
            self.choose(self.levels[i]) if level == "+" else level
            for i, level in enumerate(levels)
        ]

    def miss(self, levels: list[str]) -> list[str]:
        """A topic that differs little."""
        levels = list(levels)
        change = self.below(4)
        at = self.below(len(levels))
        if change == 0:
            levels[at] = self.choose(self.levels[at])
        elif change == 1:
            levels[at] += "x"
        elif change == 2 and len(levels) > 3:
            levels.pop()
        else:
            levels.append("more")
        return levels

    def workload(self) -> Workload:
        filters: dict[tuple[str, ...], None] = {}
        for number in itertools.count():
            if len(filters) == self.size:
                break
            filters[tuple(self.filter(number))] = None
        chosen = list(filters)
        hits = [self.hit(list(self.choose(chosen))) for _ in range(TOPICS)]
        misses: list[list[str]] = []
        while len(misses) < TOPICS:
            miss = self.miss(self.choose(hits))
            if not any(matches(filter, miss) for filter in chosen):
                misses.append(miss)
        return Workload(
            *(["/".join(row).encode() for row in part] for part in (chosen, hits, misses))
        )


def path_of(size: int) -> pathlib.Path:
    return FOLDER / (f"{size}.txt" if size < 1000 else f"{size}.txt.xz")


def encode(workload: Workload) -> bytes:
    return b"\n\n".join(
        b"\n".join(part) for part in (workload.filters, workload.hits, workload.misses)
    )


def load(size: int) -> Workload:
    path = path_of(size)
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    return Workload(*(part.split(b"\n") for part in data.rstrip().split(b"\n\n")))


def load_adversarial() -> Workload:
    """All 1024 filters over {a, +}^10 with /x behind: every level doubles what may match."""
    levels = itertools.product(b"a+", repeat=10)
    filters = [b"/".join(bytes([level]) for level in row) + b"/x" for row in levels]
    return Workload(filters, [b"a/" * 10 + b"x"], [b"a/" * 10 + b"y"])


def write_files() -> None:
    FOLDER.mkdir(exist_ok=True)
    for size in SIZES:
        data = encode(Generator(size).workload()) + b"\n"
        path_of(size).write_bytes(lzma.compress(data) if size >= 1000 else data)


if __name__ == "__main__":
    write_files()
