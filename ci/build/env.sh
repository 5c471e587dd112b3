# shellcheck disable=SC2034 # the pins are for the scripts that source this file
# What the scripts share: `. ci/build/functions.sh`, then call a function; the Makefile does the same.
# Everything made here lies under build/ and dist/, so `make clean` undoes it.

# Pins: every version stands here once; the host's Python tools are pinned in pyproject.toml.
MICROPYTHON_TAG=v1.28.0
MICROPYTHON_REPOSITORY=https://github.com/micropython/micropython.git
MICROPYTHON_CLONE_SECONDS=120
DEBIAN_SOURCE_SUITE=trixie # has micropython 1.25.0 and mbedtls 3.6
ESP_IDF_TAG=v5.5.1         # the container's; MicroPython's release builds with these:
ESP_IDF_OLDEST=5.3
ESP_IDF_NEWEST=5.5

CI_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CI_BUILD=$CI_ROOT/build
CI_PYTHON=$CI_BUILD/venv/bin/python

# A failed command ends the script. Bash switches that off in a function that is called in a
# condition (if, !, &&, ||): there, functions stand nowhere, which `make lint` sees to, but by ci_try.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1 # MicroPython's tools would leave __pycache__ in MICROPYTHON_DIR
shopt -s inherit_errexit

ci_say() {
    echo "== $*" >&2
}

ci_fail() {
    echo "error: $*" >&2
    exit 1
}

# Run a function that may fail; its status is in CI_STATUS. The first failed command ends it.
ci_try() {
    set +e
    (
        set -e
        "$@"
    )
    CI_STATUS=$?
    set -e
}

# Call a function while no other make is in one with the same name $1.
ci_alone() {
    local lock=$CI_BUILD/$1.lock
    shift
    mkdir -p "$CI_BUILD"
    (
        flock 9
        "$@"
    ) 9>"$lock"
}

# Run a long command with its output in build/logs/$1.log; on failure show the end of it.
ci_logged() {
    local log=$CI_BUILD/logs/$1.log
    shift
    mkdir -p "$CI_BUILD/logs"
    ci_try "$@" >"$log" 2>&1
    if [ "$CI_STATUS" -ne 0 ]; then
        tail -n 30 "$log" >&2
        ci_fail "'$*' failed; the whole output is in $log"
    fi
}

# Run a tool of ours, which imports from the project's top folder, with the machine's own Python.
ci_tool() {
    (
        cd "$CI_ROOT"
        python3 -m "$@"
    )
}

ci_check_board() {
    ci_tool ci.boards --check "${1:-}"
}

# Refuse the value $2 of the variable $1, if it is set, unless it is a number; with $3 a whole one.
ci_check_number() {
    local number='[0-9]+(\.[0-9]+)?'
    if [ -n "${3:-}" ]; then
        number='[0-9]+'
    fi
    # For libFuzzer 0 seconds are forever, and a run of none shows nothing.
    if [ -n "${2:-}" ] && ! [[ $2 =~ ^$number$ && $2 =~ [1-9] ]]; then
        ci_fail "$1=$2 is not a ${3:+$3 }number above 0; type for example: $1=15"
    fi
}

ci_check_command() {
    command -v "$1" >/dev/null || ci_fail "'$1' is missing; on Debian: apt-get install $2"
}
