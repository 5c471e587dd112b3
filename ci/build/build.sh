#!/usr/bin/env bash
# Build a board's firmware:  ci/build/build.sh mpython
#
# With ESP-IDF in the environment (IDF_PATH), or with DOCKER=1 in the container that holds it, the
# whole; with neither, everything that needs no compiler for the chip.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

unset MAKEFLAGS MFLAGS # this build's variables are not MicroPython's

IDF_OLDEST=5.3
IDF_NEWEST=5.5

# True if the ESP-IDF in IDF_PATH is one that MicroPython's release builds with.
ci_check_idf() {
    local file=$IDF_PATH/tools/cmake/version.cmake major minor
    [ -f "$file" ] || ci_fail "IDF_PATH=$IDF_PATH holds no ESP-IDF (no tools/cmake/version.cmake)"
    major=$(sed -n 's/^set(IDF_VERSION_MAJOR \([0-9]*\))/\1/p' "$file")
    minor=$(sed -n 's/^set(IDF_VERSION_MINOR \([0-9]*\))/\1/p' "$file")
    if [ "$(printf '%s\n' "$IDF_OLDEST" "$major.$minor" "$IDF_NEWEST" | sort -V | sed -n 2p)" != "$major.$minor" ]; then
        ci_fail "ESP-IDF v$major.$minor does not build MicroPython $MICROPYTHON_TAG; use v$IDF_OLDEST to v$IDF_NEWEST"
    fi
    ci_check_command idf.py "nothing; type: . $IDF_PATH/export.sh"
}

# The three commands that need the compiler. mpy-cross first, by itself: BUILD= would travel into
# its folder and break it.
ci_build_commands() {
    local board=$1 micropython=$2 port=$2/ports/esp32
    cat <<COMMANDS
set -e
make -C '$micropython/mpy-cross'
export MICROPY_MPYCROSS='$micropython/mpy-cross/build/mpy-cross'
make -C '$port' BOARD_DIR='$CI_ROOT/boards/$board' BUILD='$CI_BUILD/$board' USER_C_MODULES='$CI_ROOT/firmware/micropython.cmake'
COMMANDS
}

# The libraries that the chip's port needs and the simulator does not.
ci_fetch_port_libraries() {
    local micropython=$1 library
    for library in lib/berkeley-db-1.xx lib/micropython-lib; do
        if [ -z "$(find "$micropython/$library" -mindepth 1 -not -name README.md -print -quit)" ]; then
            ci_logged submodules git -C "$micropython" submodule -q update --init --depth 1 "$library" ||
                ci_fail "$micropython lacks $library; clone MicroPython $MICROPYTHON_TAG and type: make build ... MICROPYTHON_DIR=/path/to/it"
        fi
    done
}

ci_check_pinned_micropython() {
    local version
    version=$("$CI_PYTHON" -c 'import sys; from pathlib import Path; from ci.build.version import micropython_version as v; print(v(Path(sys.argv[1])))' "$1")
    [ "$version" = "$MICROPYTHON_TAG" ] ||
        ci_fail "$1 is MicroPython $version; images are built from $MICROPYTHON_TAG: clone it and type: make build ... MICROPYTHON_DIR=/path/to/it"
}

ci_build_board() {
    local board=$1 micropython
    ci_check_board "$board"
    micropython=$(realpath "$(ci_find_micropython)")
    ci_install_group image
    cd "$CI_ROOT"
    ci_say "Checking board $board"
    "$CI_PYTHON" -m ci.build.check_board "$board" "$micropython"

    if [ -n "${DOCKER:-}" ]; then
        ci_check_command docker docker-cli
        ci_check_pinned_micropython "$micropython"
        ci_fetch_port_libraries "$micropython"
        ci_mend_timer "$micropython"
        ci_say "Building $board in espressif/idf:$ESP_IDF_TAG (some minutes)"
        # The same paths inside as outside, because cmake remembers them.
        docker run --rm --user "$(id -u):$(id -g)" --env HOME=/tmp \
            --volume "$CI_ROOT:$CI_ROOT" --volume "$micropython:$micropython" \
            "espressif/idf:$ESP_IDF_TAG" bash -c "$(ci_build_commands "$board" "$micropython")"
    elif [ -n "${IDF_PATH:-}" ]; then
        ci_check_idf
        ci_check_pinned_micropython "$micropython"
        ci_fetch_port_libraries "$micropython"
        ci_mend_timer "$micropython"
        ci_say "Building $board with the ESP-IDF in $IDF_PATH (some minutes)"
        bash -c "$(ci_build_commands "$board" "$micropython")"
    else
        ci_fail "all is ready but the chip's compiler: type 'make build BOARD=$board DOCKER=1' where Docker runs, or install ESP-IDF $ESP_IDF_TAG, source its export.sh and type 'make build BOARD=$board'"
    fi
    "$CI_PYTHON" -m ci.image.built "$board"
    "$CI_PYTHON" -m ci.image.sizes "$board"
}

ci_build_board "${1:-}"
