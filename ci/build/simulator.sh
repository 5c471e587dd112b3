# The simulated boards, and what `make run` and `make test` need. Source functions.sh.

set -euo pipefail

# Print what tells the MicroPython source $1 from another, or from itself before another release was
# checked out there or a file was edited: its folder, and the names, sizes and times of its files.
ci_identify_micropython() {
    echo "$1"
    find "$1" -type d \( -name .git -o -name __pycache__ -o -name 'build*' \) -prune -o -type f -printf '%P %s %T@\n' |
        LC_ALL=C sort | sha256sum
}

# What was built from another MicroPython source than $1 is of no use.
ci_forget_other_micropython() {
    local source
    source=$(ci_identify_micropython "$1")
    if [ "$(cat "$CI_BUILD/built-from" 2>/dev/null || true)" != "$source" ]; then
        rm -rf "$CI_BUILD"/sim* "$CI_BUILD"/mcu "$CI_BUILD"/mpy-cross
        mkdir -p "$CI_BUILD"
        echo "$source" >"$CI_BUILD/built-from"
    fi
}

# Build mpy-cross from the source $1 and print its path.
ci_build_mpy_cross() {
    local micropython=$1 program=$CI_BUILD/mpy-cross/mpy-cross
    if [ ! -x "$program" ]; then
        ci_check_command gcc gcc
        ci_check_command make make
        ci_say "Building mpy-cross (half a minute)"
        ci_logged mpy-cross make -C "$micropython/mpy-cross" -j"$(nproc)" BUILD="$CI_BUILD/mpy-cross"
    fi
    echo "$program"
}

# Print a checksum of all files that a simulated board is made of: one that is gone, or that is old
# and new here, counts as well as one that was edited.
ci_simulator_sources() {
    cd "$CI_ROOT"
    find firmware modules boards manifest.py pyproject.toml ci/build -type f \
        ! -path '*/__pycache__/*' ! -path 'boards/sim/host/*' ! -name '*.md' -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

# Build the simulated board $1 as build/sim-$1/micropython; with $2 = 32 as build/sim32-$1, where
# objects have a board's size. All boards share their objects: only the frozen modules differ.
ci_build_simulator() {
    ci_alone programs ci_update_simulator "$@"
}

ci_update_simulator() {
    local board=$1 family=sim force=0 objects program micropython mpy_cross sources
    if [ "${2:-64}" = 32 ]; then
        family=sim32 force=1
    fi
    objects=$CI_BUILD/$family program=$CI_BUILD/$family-$board/micropython
    ci_check_board "$board"
    (cd "$CI_ROOT" && python3 -m ci.build.board_facts "$board")
    micropython=$(ci_find_micropython)
    ci_forget_other_micropython "$micropython"
    sources=$(ci_simulator_sources) # what is edited from now on is not in it
    if [ -x "$program" ] && [ "$(cat "$program.sources" 2>/dev/null || true)" = "$sources" ]; then
        return
    fi
    mpy_cross=$(ci_build_mpy_cross "$micropython")
    mkdir -p "$objects" "$CI_BUILD/$family-$board"
    # Where a build fails, nothing may be left that looks like its outcome.
    rm -f "$program" "$program.sources" "$objects/micropython"
    if [ "$(cat "$objects/board" 2>/dev/null || true)" != "$board" ]; then
        rm -rf "$objects"/frozen_*
    fi
    echo "$board" >"$objects/board"
    ci_say "Building the simulated $board board (a minute and a half the first time)"
    # The ceiling keeps this project's commit out of MicroPython's version.
    ci_logged "$family-$board" env SIM_BOARD="$board" GIT_CEILING_DIRECTORIES="$CI_BUILD" \
        make -C "$micropython/ports/unix" -j"$(nproc)" \
        VARIANT=sim VARIANT_DIR="$CI_ROOT/boards/sim" FROZEN_MANIFEST="$CI_ROOT/boards/sim/manifest.py" \
        BUILD="$objects" USER_C_MODULES="$CI_ROOT/firmware" MICROPY_FORCE_32BIT=$force \
        MICROPY_MPYCROSS="$mpy_cross" MICROPY_MPYCROSS_DEPENDENCY=
    cp "$objects/micropython" "$program.new"
    mv "$program.new" "$program"
    echo "$sources" >"$program.sources"
}

# Everything that `make run` needs, for the board $1; it plays for $2 seconds, or until it is stopped.
ci_prepare_run() {
    ci_check_number SECONDS "$2"
    ci_check_board "$1"
    ci_install_group run
    ci_build_simulator "$1"
    ci_build_page
}

# Play on a simulated board. Ctrl-C is ignored until the player takes it: Python's own imports
# would answer it with a traceback.
ci_play() {
    trap '' INT
    exec "$CI_PYTHON" "$CI_ROOT/boards/sim/host/remote_light.py" "$@"
}

# What tests on the simulated boards need.
ci_prepare_simulators() {
    local boards board
    ci_install_group test
    ci_install_debian mosquitto mosquitto
    ci_install_debian mosquitto_sub mosquitto-clients
    ci_install_debian openssl openssl
    boards=$(ci_tool ci.boards)
    for board in $boards; do
        ci_build_simulator "$board"
    done
}

# Everything that `make soak` needs, for $1 hours and with the seed $2.
ci_prepare_soak() {
    ci_check_number HOURS "$1"
    ci_check_number SEED "$2" whole
    ci_prepare_simulators
}

# Everything that `make test-workflows` needs.
ci_prepare_workflows() {
    ci_install_group test
    ci_install_debian mmdebstrap mmdebstrap
    ci_find_micropython >/dev/null
}

# Everything that `make test` needs.
ci_prepare_tests() {
    ci_prepare_simulators
    ci_prepare_matcher_tests
    # The tests of `make run` and `make build` would each install these again.
    ci_install_group run
    ci_install_group image
    ci_build_page
}
