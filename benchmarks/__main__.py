"""Run the benchmarks and end with one line a goal; status 0 if all are met.

python -m benchmarks [SUBJECT ...]           all subjects if none is named
python -m benchmarks --check [SUBJECT ...]   only refuses subjects that do not exist
"""

from __future__ import annotations

import importlib
import sys

from benchmarks.goals import Goal
from ci.problem import Problem, run

SUBJECTS = ("device", "page", "swarm", "topicmatch", "umqtt", "update")


def main(arguments: list[str]) -> None:
    wanted = [name for name in arguments if name != "--check"]
    for name in wanted:
        if name not in SUBJECTS:
            raise Problem(
                f"there is no benchmark {name!r}: BENCH= is one of {', '.join(SUBJECTS)}"
            )
    if "--check" in arguments:
        return
    goals: list[Goal] = []
    for name in wanted or SUBJECTS:
        goals += importlib.import_module(f"benchmarks.{name}").main()
    print()
    for goal in goals:
        print(goal)
    if not all(goal.met for goal in goals):
        sys.exit(1)


if __name__ == "__main__":
    run(main)
