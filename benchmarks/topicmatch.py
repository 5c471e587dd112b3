"""Matching against libmosquitto, paho-mqtt and our own Python: goals G1 to G10 of README.md.

Instructions are counted by valgrind's callgrind, and on the emulated microcontroller by its
timer. Only CPU time is noisy; of that, only the quotient of least times in one process is used.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import callgrind, workloads
from benchmarks.goals import Goal, print_table
from tests.microcontroller import Microcontroller, with_workload

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
CORE = ROOT / "firmware" / "topicmatch"
SCRIPT = ROOT / "benchmarks" / "scripts" / "matching.py"
SCRIPTS = ROOT / "tests" / "topicmatch" / "scripts"
SIMULATOR = BUILD / "sim-mpython" / "micropython"

# Every n-th topic is used, or the linear contenders would take minutes.
STRIDES = {8: 1, 64: 1, 1000: 4, 10000: 16}
C_CONTENDERS = ("scalar", "mosquitto", "router", "match", "trusted match")
PARTS = ("hit", "miss")

# A Cortex-M3 timer that counts down at 25 MHz while an instruction takes a nanosecond.
MCU_SCRIPT = """
import machine, _topicmatch, topicmatch_py
parts = [part.split(b"\\n") for part in WORKLOAD.rstrip().split(b"\\n\\n")]
TIMER = 0x40000000
machine.mem32[TIMER + 8] = machine.mem32[TIMER + 4] = 0xffffffff
machine.mem32[TIMER] = 1
def count(function, topics):
    function(topics[0])
    start = machine.mem32[TIMER + 4]
    for topic in topics:
        function(topic)
    return (start - machine.mem32[TIMER + 4]) * 40 // len(topics)
for topics in parts[1:]:
    print(count(lambda topic: None, topics))
    for matcher in (_topicmatch, topicmatch_py):
        router = matcher.Router()
        for filter in parts[0]:
            router.add(filter, 1)
        print(count(router.match, topics))
"""


def run(*command: str | Path, input: bytes | None = None) -> tuple[str, str]:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    result = subprocess.run(command, input=input, capture_output=True, env=environment)
    assert result.returncode == 0, (command, result.stderr.decode()[-3000:])
    return result.stdout.decode(), result.stderr.decode()


def count_in_c(workload: workloads.Workload, stride: int, folder: Path) -> dict[str, float]:
    """Instructions per topic of each contender and part of benchmarks/topicmatch.c."""
    program = folder / "topicmatch"
    if not program.exists():
        sources = [ROOT / "benchmarks" / "topicmatch.c", CORE / "topicmatch.c"]
        run("gcc", "-O2", "-std=gnu99", f"-I{CORE}", *sources, "-lmosquitto", "-o", program)
    for old in folder.glob("counts.*"):
        old.unlink()
    # fmt: off
    run(
        "valgrind", "--tool=callgrind", "--collect-atstart=no",
        f"--callgrind-out-file={folder}/counts", program, str(stride),
        input=workloads.encode(workload) + b"\n",
    )
    # fmt: on
    counts = {}
    for path in folder.glob("counts.*"):
        text = path.read_text()
        label = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
        if label and total:
            topics = workload.hits if label[1].endswith(" hit") else workload.misses
            counts[label[1]] = int(total[1]) / len(topics[::stride])
    return counts


def count_in_python(python: str | Path, contender: str, part: str, size: int) -> float:
    """Instructions per topic in an interpreter, loop included."""
    paho = Path(importlib.util.find_spec("paho.mqtt").submodule_search_locations[0])  # type: ignore
    repeats = 1 if contender == "paho-sub" else 2

    def count(times: int) -> int:
        arguments = [contender, part, str(times), workloads.path_of(size)]
        return callgrind.count(python, SCRIPT, *arguments, paho, ROOT / "modules")

    return (count(2 * repeats) - count(repeats)) / (repeats * workloads.TOPICS)


def score(matches: Callable[[bytes, bytes], bool], rows: list) -> str:
    """How many of the rows with a correct filter and topic are right, and how many others match."""
    right = correct = bad = 0
    for _, filter, topic, expected in rows:
        try:
            got = matches(filter, topic)
        except (ValueError, UnicodeError):
            got = None
        if isinstance(expected, bool):
            correct += 1
            right += got is expected
        else:
            bad += got is True
    return f"{right}/{correct}, {bad}"


def conformance() -> dict[str, str]:
    from paho.mqtt.client import topic_matches_sub
    from paho.mqtt.matcher import MQTTMatcher

    sys.path.append(str(ROOT / "modules"))
    import topicmatch_py

    rows = runpy.run_path(str(SCRIPTS / "rows.py"))["MATCH_ROWS"]
    library = ctypes.CDLL("libmosquitto.so.1")

    def mosquitto(filter: bytes, topic: bytes) -> bool:
        result = ctypes.c_bool(False)
        if b"\0" in filter + topic:
            raise ValueError("cannot be passed")
        library.mosquitto_topic_matches_sub(filter, topic, ctypes.byref(result))
        return result.value

    def paho_tree(filter: bytes, topic: bytes) -> bool:
        tree = MQTTMatcher()
        tree[filter.decode()] = 1
        return bool(list(tree.iter_match(topic.decode())))

    # The C module is scored inside the simulated firmware, by all rows.
    run(SIMULATOR, SCRIPTS / "rows.py")
    all_rows = score(lambda filter, topic: topicmatch_py.match(filter, topic), rows)
    return {
        "mosquitto": score(mosquitto, rows),
        "paho-sub": score(lambda f, t: topic_matches_sub(f.decode(), t.decode()), rows),
        "paho": score(paho_tree, rows),
        "ours": all_rows,
    }


def measure_in_c(scores: dict[str, str]) -> tuple[list[Goal], dict[str, float]]:
    goals = []
    router = {}
    for size, limit in ((8, 0.45), (64, 0.065), (1000, 0.005), (10000, 0.0006), (1024, 0.25)):
        adversarial = size == 1024
        workload = workloads.load_adversarial() if adversarial else workloads.load(size)
        with tempfile.TemporaryDirectory() as folder:
            counts = count_in_c(workload, STRIDES.get(size, 1), Path(folder))
        rows = []
        for name in C_CONTENDERS:
            row: list[object] = [name]
            for part in PARTS:
                count = counts[f"{name} {part}"]
                row += [
                    f"{count:,.0f}",
                    f"{count / counts[f'mosquitto {part}']:.4g}",
                    f"{count / counts[f'scalar {part}']:.3g}",
                ]
            row.append({"scalar": "", "mosquitto": scores["mosquitto"]}.get(name, scores["ours"]))
            rows.append(row)
        header = ["C contender", "hit", "/ libmosquitto", "/ scalar"]
        header += ["miss", "/ libmosquitto", "/ scalar", "right, bad matches"]
        title = "1024 adversarial" if adversarial else str(size)
        print_table(f"Instructions per topic, {title} filters", header, rows)
        for part in PARTS:
            one = {name: counts[f"{name} {part}"] for name in C_CONTENDERS}
            where = f"{title} filters, {part}"
            group = "G9" if adversarial else "G2"
            quotient = one["router"] / one["mosquitto"]
            goals.append(Goal(f"{group} router / libmosquitto, {where}", quotient, limit))
            per_pair = 1.0 if (size, part) == (8, "hit") else 1.4
            quotient = one["match"] / one["mosquitto"]
            goals.append(Goal(f"G4 match / libmosquitto, {where}", quotient, per_pair))
            quotient = one["trusted match"] / one["mosquitto"]
            goals.append(Goal(f"G4 trusted match / libmosquitto, {where}", quotient, 0.5))
            if not adversarial:
                router[f"{size} {part}"] = one["router"]
                quotient = one["router"] / one["scalar"]
                goals.append(Goal(f"G3 router / scalar pass, {where}", quotient, 6))
    for part in PARTS:
        quotient = router[f"10000 {part}"] / router[f"8 {part}"]
        goals.append(Goal(f"G3 router, 10000 / 8 filters, {part}", quotient, 1.7))
    return goals, router


def measure_in_python(scores: dict[str, str]) -> list[Goal]:
    net: dict[tuple[str, str, int], float] = {}
    rows = []
    plan = [
        ("MicroPython", SIMULATOR, ("loop", "C router", "C match", "twin router", "paho")),
        ("CPython", sys.executable, ("loop", "twin router", "paho", "paho-sub")),
    ]
    for system, python, contenders in plan:
        for contender in contenders:
            row: list[object] = [f"{system} {contender}"]
            for size in (8, 64):
                if contender == "paho-sub" and size == 64:
                    row.append("")
                    continue
                count = count_in_python(python, contender, "hits", size)
                net[system, contender, size] = count - net.get((system, "loop", size), 0)
                row.append(f"{count:,.0f}")
            row.append(scores.get(contender, "" if contender == "loop" else scores["ours"]))
            rows.append(row)
    header = ["contender", "8 filters", "64 filters", "right, bad matches"]
    print_table("Instructions per topic that matches, in Python, loop included", header, rows)
    times, _ = run(
        SIMULATOR, SCRIPT, "loop,C router,twin router", "hits", "0", workloads.path_of(64)
    )
    loop, ours, twin = (float(time) for time in times.split())

    def quotient(*keys: tuple[str, str, int]) -> float:
        return net[keys[0]] / net[keys[1]]

    # fmt: off
    router = ("MicroPython", "C router", 8)
    return [
        Goal("G5 twin / C router, instructions, 8 filters",
             quotient(("MicroPython", "twin router", 8), router), 15, at_least=True),
        Goal("G5 paho's algorithm / C router, instructions, 8 filters",
             quotient(("MicroPython", "paho", 8), router), 20, at_least=True),
        Goal("G5 twin / C router, CPU time, 64 filters",
             (twin - loop) / (ours - loop), 25, at_least=True),
        Goal("G6 CPython's paho MQTTMatcher / C router, instructions, 8 filters",
             quotient(("CPython", "paho", 8), router), 10, at_least=True),
        Goal("G6 CPython's paho topic_matches_sub / C match, instructions, 8 filters",
             quotient(("CPython", "paho-sub", 8), ("MicroPython", "C match", 8)), 25,
             at_least=True),
    ]
    # fmt: on


def measure_on_microcontroller() -> list[Goal]:
    rows = []
    for size in (8, 64):
        with Microcontroller(counting=True) as board:
            counts = [int(n) for n in board.run(with_workload(MCU_SCRIPT, size)).split()]
        for part, (loop, router, twin) in zip(PARTS, (counts[:3], counts[3:])):
            ratio = f"{(twin - loop) / (router - loop):.1f}"
            rows.append([f"{size} filters, {part}", loop, router, twin, ratio])
    header = ["Cortex-M3, emulated", "loop", "C router", "twin", "twin / C, net"]
    print_table("Instructions per topic on a microcontroller, loop included", header, rows)
    script = with_workload((SCRIPTS / "heap.py").read_text(), 64)
    with Microcontroller() as board:
        report = board.run(script)  # fails unless nothing is allocated
    used = [int(size) for size in re.findall(r": (\d+) bytes", report)]
    text = sum(map(len, workloads.load(64).filters))
    code = 0
    for name in ("topicmatch", "modtopicmatch"):
        sections, _ = run("arm-none-eabi-size", "-A", BUILD / "mcu" / "topicmatch" / f"{name}.o")
        code += sum(
            int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", sections, re.MULTILINE)
        )
    return [
        Goal("G7 allocated by 10,000 matches, 32 bits", 0 if "ok" in report else 1, 0, "bytes"),
        Goal("G8 C router of 64 filters, 32 bits", used[0], 3 * text + 512, "bytes"),
        Goal("G8 twin of 64 filters, 32 bits", used[1], 8 * text, "bytes"),
        Goal("G10 code, Thumb-2 -Os, core and binding", code, 6 * 1024, "bytes"),
    ]


def count_differences() -> Goal:
    """The same comparison as in the tests; it ends the program at the first difference."""
    sources = ROOT / "tests" / "topicmatch" / "core"
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "compare"
        files = [sources / f"{name}.c" for name in ("compare", "check", "oracle")]
        options = ["-O2", "-std=c99", f"-I{CORE}", f"-I{sources}"]
        run("gcc", *options, *files, CORE / "topicmatch.c", "-o", program)
        report, _ = run(program, "pairs")
    pairs = int(report.split()[0])
    return Goal(f"G1 differences between core and oracle in {pairs:,} pairs", 0, 0)


def main() -> list[Goal]:
    scores = conformance()
    goals = [count_differences()]
    in_c, _ = measure_in_c(scores)
    goals += in_c + measure_in_python(scores) + measure_on_microcontroller()
    return sorted(goals, key=lambda goal: int(re.match(r"G(\d+)", goal.name)[1]))  # type: ignore
