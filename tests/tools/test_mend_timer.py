"""ci/build/mend_timer.py: the change compiles, and does what it is for, against a model of ESP-IDF."""

import subprocess
from pathlib import Path

import pytest

from ci.build import mend_timer
from ci.boards import ROOT

# What machine_timer_enable touches: a count in 8 bits for each group, which on its way through 0
# resets the group, and a macro that is a loop of one turn.
MODEL = """
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SOC_TIMER_GROUP_TIMERS_PER_GROUP (2)

typedef struct {
    int group;
    int index;
} machine_timer_obj_t;

static const struct {
    struct {
        int module;
    } groups[2];
} timer_group_periph_signals = {.groups = {{0}, {1}}};

static uint8_t counts[2] = {1, 1}; // the system's own clock and watchdog
static int resets;

#define PERIPH_RCC_ACQUIRE_ATOMIC(module, before) \\
    for (uint8_t before = counts[module]++, turns = 1; turns > 0; --turns)

static void machine_timer_enable(machine_timer_obj_t *self) {
FAULT        if (ref_count == 0) {
            ++resets;
        }
    }
}

int main(void) {
    for (int i = 0; i < 1200; ++i) {
        machine_timer_obj_t timer = {.group = (i >> 1) & 1, .index = i & 1};
        machine_timer_enable(&timer);
    }
    printf("%d %d %d\\n", resets, counts[0], counts[1]);
    return 0;
}
"""
SOURCE = MODEL.replace("FAULT", mend_timer.FAULT)


def run(tmp_path: Path, source: str) -> list[int]:
    (tmp_path / "timer.c").write_text(source)
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", "timer", "timer.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    result = subprocess.run([tmp_path / "timer"], capture_output=True, text=True, check=True)
    return [int(word) for word in result.stdout.split()]


def test_each_index_acquires_once(tmp_path):
    assert run(tmp_path, SOURCE)[0] > 0  # the model has the fault
    mended = mend_timer.mend(SOURCE)
    assert run(tmp_path, mended) == [0, 2, 2]
    assert mend_timer.mend(mended) == mended


@pytest.mark.parametrize("text", ["", SOURCE.replace("ref_count", "count"), SOURCE + SOURCE])
def test_another_source_is_not_guessed_at(text):
    assert mend_timer.mend(text) is None


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "micropython" / mend_timer.FILE
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    return tmp_path / "micropython"


def call(tree: Path, setting: str = "unset MICROPYTHON_DIR") -> str:
    """Mend as ci/build/build.sh does it; return what is said."""
    script = f'{setting}\n. ci/build/functions.sh; ci_mend_timer "$0"'
    result = subprocess.run(
        ["bash", "-c", script, str(tree)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return result.stdout


def test_our_own_clone_is_changed_once(tree):
    assert "is mended" in call(tree)
    assert (tree / mend_timer.FILE).read_text() == mend_timer.mend(SOURCE)
    assert call(tree) == ""


def test_a_source_of_somebody_else_is_only_looked_at(tree):
    said = call(tree, f"MICROPYTHON_DIR={tree}")
    assert f"{tree} has MicroPython's issue #19162" in said and "MICROPYTHON_DIR" in said
    assert said.count("\n") == 1
    assert (tree / mend_timer.FILE).read_text() == SOURCE


def test_another_version_is_said(tree):
    (tree / mend_timer.FILE).write_text("int main(void) { return 0; }\n")
    said = call(tree)
    assert "stays as it is" in said and said.count("\n") == 1
    assert (tree / mend_timer.FILE).read_text() == "int main(void) { return 0; }\n"
