"""The matcher's C core compiled for the host, and its Python twin under CPython."""

from __future__ import annotations

import itertools
import os
import runpy
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware" / "topicmatch"
SOURCES = Path(__file__).parent / "core"
SCRIPTS = Path(__file__).parent / "scripts"
# Options of gcc: its own size of an address, and the boards'.
BITS = pytest.mark.parametrize(
    "bits", [[], pytest.param(["-m32"], marks=pytest.mark.x86_64)], ids=["native", "32"]
)
# fmt: off
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wdouble-promotion", "-Wfloat-conversion"]
COMPARE = [
    f"-I{CORE}", f"-I{SOURCES}", str(SOURCES / "compare.c"), str(SOURCES / "check.c"),
    str(SOURCES / "oracle.c"), str(CORE / "topicmatch.c"),
]
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
# fmt: on


def run(*command: str | Path, input: bytes | None = None, timeout: float = 300) -> bytes:
    result = subprocess.run(
        command, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return result.stdout


@pytest.fixture(scope="module")
def twin() -> Iterator[object]:
    sys.path.insert(0, str(ROOT / "modules"))
    try:
        import topicmatch_py

        yield topicmatch_py
    finally:
        sys.path.remove(str(ROOT / "modules"))


@pytest.fixture(scope="module")
def compare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("compare") / "compare"
    run("gcc", "-O2", *WARNINGS, *COMPARE, "-o", program)
    return program


@pytest.mark.compiler
@BITS
@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_core_alone_compiles_without_warning(bits: list[str], level: str, tmp_path: Path) -> None:
    run("gcc", *bits, level, *WARNINGS, "-c", CORE / "topicmatch.c", "-o", tmp_path / "core.o")


@pytest.mark.compiler
def test_core_allocates_only_by_resize(tmp_path: Path) -> None:
    run("gcc", "-O2", "-std=c99", "-c", CORE / "topicmatch.c", "-o", tmp_path / "core.o")
    wanted = run("nm", "--undefined-only", "--format=posix", tmp_path / "core.o").decode()
    names = {line.split()[0] for line in wanted.splitlines()}
    memory_functions = {"memchr", "memcmp", "memcpy", "memmove", "memset"}
    assert names - memory_functions - {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"} == {
        "topicmatch_resize"
    }


@pytest.mark.compiler
def test_core_frames_are_small_and_not_recursive(tmp_path: Path) -> None:
    """Each frame has less than 128 bytes on 32 bits: an ESP32 task has 16 KiB of stack in all."""
    core = tmp_path / "core.o"
    options = ["-Os", "-mthumb", "-mcpu=cortex-m3", "-std=c99", "-fstack-usage", "-fno-inline"]
    run("arm-none-eabi-gcc", *options, "-c", CORE / "topicmatch.c", "-o", core)
    frames = {}
    for line in core.with_suffix(".su").read_text().splitlines():
        place, size, kind = line.split("\t")
        assert kind == "static", line
        frames[place.rsplit(":", 1)[1]] = int(size)
    assert max(frames.values()) < 128, frames
    calls: dict[str, set[str]] = {}
    for line in run("arm-none-eabi-objdump", "-dr", core).decode().splitlines():
        if line.endswith(">:"):
            calls[function := line.split("<")[1][:-2]] = set()
        elif "R_ARM_THM_CALL" in line or "R_ARM_THM_JUMP24" in line or "\tbl\t" in line:
            calls[function].add(line.split()[-1].strip("<>").split("+")[0])
    assert len(calls) > 20

    def reach(function: str, path: tuple[str, ...]) -> None:
        assert function not in path, path
        for called in calls.get(function, ()):
            reach(called, (*path, function))

    for function in calls:
        reach(function, ())


def test_core_equals_oracle(compare: Path) -> None:
    """G1: all short filters and topics over small alphabets, and 400,000 random pairs."""
    assert b"no difference" in run(compare, "pairs")


@pytest.mark.compiler
@BITS
def test_router_equals_list(bits: list[str], tmp_path: Path) -> None:
    """Random operations, with allocations that fail; without sanitizers for the other size."""
    options = ["-Os", *bits] if bits else SANITIZERS
    run("gcc", *options, *WARNINGS, *COMPARE, "-o", tmp_path / "compare")
    assert b"no difference" in run(tmp_path / "compare", "routers")


@pytest.mark.compiler
def test_router_full_returns_error(tmp_path: Path) -> None:
    """16-bit indices run out with an error, not a wrong answer; texts of 65,535 bytes."""
    run("gcc", *SANITIZERS, *WARNINGS, *COMPARE, "-o", tmp_path / "compare")
    assert b"as they should be" in run(tmp_path / "compare", "limits")


def texts(alphabet: list[bytes], most: int) -> list[bytes]:
    return [
        b"".join(pieces)
        for length in range(1, most + 1)
        for pieces in itertools.product(alphabet, repeat=length)
    ]


# fmt: off
@pytest.mark.parametrize(
    "filters, topics",
    [
        (texts([b"a", b"/", b"+", b"#", b"$"], 5), texts([b"a", b"b", b"/", b"$"], 4)),
        (texts([b"$share", b"/", b"a", b"+", b"#"], 5), texts([b"$share", b"/", b"a"], 3)),
        (texts([b"\xc3", b"\xa9", b"\0", b"+"], 3), texts([b"\xc3", b"\xa9", b"\0", b"+"], 3)),
    ],
    ids=["short", "shared", "bytes"],
)
# fmt: on
def test_twin_equals_oracle(
    filters: list[bytes], topics: list[bytes], compare: Path, twin: object
) -> None:
    """G1 for the twin: over a million pairs."""
    records = [*filters, b"", *topics, b""]
    input = b"".join(struct.pack("<H", len(text)) + text for text in records)
    expected = run(compare, "outcomes", input=input).decode()
    match = twin.match  # type: ignore[attr-defined]
    got = iter(expected)
    for filter, topic in itertools.product(filters, topics):
        try:
            outcome = "+" if match(filter, topic) else "-"
        except ValueError as error:
            outcome = str(error)[0]
        assert next(got) == outcome, (filter, topic, outcome)
    assert len(expected) == len(filters) * len(topics)


@pytest.mark.parametrize("name", ["rows", "router", "model", "limits"])
def test_twin_under_cpython_passes_script(
    name: str, twin: object, capsys: pytest.CaptureFixture[str]
) -> None:
    runpy.run_path(str(SCRIPTS / f"{name}.py"))
    assert capsys.readouterr().out.endswith("ok\n")


def test_public_module_under_cpython_is_twin(twin: object) -> None:
    import topicmatch

    assert not topicmatch.NATIVE
    assert topicmatch.match is twin.match  # type: ignore[attr-defined]


@pytest.mark.fuzzer
def test_core_fuzzed_briefly_finds_nothing() -> None:
    """Some seconds of coverage-guided fuzzing; `make fuzz` takes longer."""
    script = ". ci/build/functions.sh && ci_fuzz 8 topicmatch"
    result = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, timeout=300, env=os.environ
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert b"stat::number_of_executed_units" in result.stderr


def test_workloads_equal_their_generator() -> None:
    from benchmarks import workloads

    for size in workloads.SIZES:
        assert workloads.load(size) == workloads.Generator(size).workload()
