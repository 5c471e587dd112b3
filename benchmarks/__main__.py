"""`python -m benchmarks [subject ...]`: run the benchmarks and end with one line a goal."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.goals import Goal


def main() -> int:
    goals: list[Goal] = []
    for module in pkgutil.iter_modules(benchmarks.__path__):
        wanted = sys.argv[1:] or [module.name]
        if module.name.startswith("_") or module.name not in wanted:
            continue
        subject = importlib.import_module(f"benchmarks.{module.name}")
        if hasattr(subject, "main"):
            goals += subject.main()
    print()
    for goal in goals:
        print(goal)
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
