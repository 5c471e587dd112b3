# What CI and people call alike: `. ci/build/functions.sh`, then a function; the Makefile does the same.
# Everything made here lies under build/, so `make clean` undoes it.

# Pins: every version stands here once; the host's Python tools are pinned in pyproject.toml.
MICROPYTHON_TAG=v1.28.0
MICROPYTHON_REPOSITORY=https://github.com/micropython/micropython.git
MICROPYTHON_CLONE_SECONDS=120
DEBIAN_SOURCE_SUITE=trixie # has micropython 1.25.0 and mbedtls 3.6
ESP_IDF_TAG=v5.5.1

CI_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CI_BUILD=$CI_ROOT/build
CI_PYTHON=$CI_BUILD/venv/bin/python

set -euo pipefail

ci_say() {
    echo "== $*" >&2
}

ci_fail() {
    echo "error: $*" >&2
    return 1
}

# Run a long command with its output in a log; on failure show the end of it.
ci_logged() {
    local log=$CI_BUILD/logs/$1.log
    shift
    mkdir -p "$CI_BUILD/logs"
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        ci_fail "'$*' failed; the whole output is in $log"
    fi
}

# Boards are the folders under boards/ that hold a board.json.
ci_list_boards() {
    local file
    for file in "$CI_ROOT"/boards/*/board.json; do
        basename "$(dirname "$file")"
    done
}

ci_check_board() {
    if [ ! -f "$CI_ROOT/boards/${1:-}/board.json" ]; then
        ci_fail "there is no board '${1:-}'; try one of: $(ci_list_boards | tr '\n' ' ')"
    fi
}

# Refuse the value $2 of the variable $1, if it is set, unless it is a number; with $3 a whole one.
ci_check_number() {
    local number='[0-9]+(\.[0-9]+)?'
    if [ -n "${3:-}" ]; then
        number='[0-9]+'
    fi
    # For libFuzzer 0 seconds are for ever, and a run of none shows nothing.
    if [ -n "${2:-}" ] && ! [[ $2 =~ ^$number$ && $2 =~ [1-9] ]]; then
        ci_fail "$1=$2 is not a ${3:+$3 }number above 0; type for example: $1=15"
    fi
}

ci_check_command() {
    command -v "$1" >/dev/null || ci_fail "'$1' is missing; on Debian: apt-get install $2"
}
