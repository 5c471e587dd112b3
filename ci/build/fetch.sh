# Where MicroPython's source comes from. Source functions.sh.

set -euo pipefail

# Call git, which talks to a server, with $2...: without questions, for MICROPYTHON_CLONE_SECONDS at
# most, and once more if it failed before. The log is build/logs/$1.log.
ci_git() {
    local log=$CI_BUILD/logs/$1.log reason
    shift
    mkdir -p "$CI_BUILD/logs"
    ci_try env GIT_TERMINAL_PROMPT=0 timeout "$MICROPYTHON_CLONE_SECONDS" git "$@" >"$log" 2>&1
    if [ "$CI_STATUS" -ne 0 ] && [ "$CI_STATUS" -ne 124 ]; then # 124: the time was over
        sleep 3
        ci_try env GIT_TERMINAL_PROMPT=0 timeout "$MICROPYTHON_CLONE_SECONDS" git "$@" >>"$log" 2>&1
    fi
    if [ "$CI_STATUS" -ne 0 ]; then
        reason=$(tail -n 1 "$log")
        ci_say "git says: ${reason:-nothing within $MICROPYTHON_CLONE_SECONDS s} ($log)"
        exit 1
    fi
}

ci_clone_micropython() {
    local to=$1
    ci_say "Cloning MicroPython $MICROPYTHON_TAG (at most $MICROPYTHON_CLONE_SECONDS s)"
    ci_git clone-micropython -c advice.detachedHead=false clone -q --depth 1 \
        --branch "$MICROPYTHON_TAG" "$MICROPYTHON_REPOSITORY" "$to"
    ci_git clone-submodules -C "$to" submodule -q update --init --depth 1 lib/mbedtls lib/micropython-lib
}

# Debian's tarballs, signatures checked by apt. The library folders in MicroPython's are empty.
ci_unpack_debian_micropython() {
    local to=$1 download=$CI_BUILD/apt/download
    ci_say "Fetching MicroPython and mbedtls from Debian's source packages ($DEBIAN_SOURCE_SUITE)"
    rm -rf "$download"
    mkdir -p "$download"
    ci_logged apt-sources ci_apt "$DEBIAN_SOURCE_SUITE" deb-src update
    (
        cd "$download"
        ci_logged apt-download ci_apt "$DEBIAN_SOURCE_SUITE" deb-src source --download-only micropython mbedtls
    )
    mkdir -p "$to"
    python3 "$CI_ROOT/ci/build/unpack.py" "$download"/micropython_*.orig.tar.* "$to"
    python3 "$CI_ROOT/ci/build/unpack.py" "$download"/mbedtls_*.orig.tar.* "$to/lib/mbedtls"
    # The port's Makefile looks for this file before it reads a manifest.
    mkdir -p "$to/lib/micropython-lib"
    echo "Not in Debian's package." >"$to/lib/micropython-lib/README.md"
}

# Fetch MicroPython's source into $1, from its repository or, for the simulator, from Debian.
ci_fetch_micropython() {
    local to=$1 mirror
    rm -rf "$to"
    ci_try ci_clone_micropython "$to"
    if [ "$CI_STATUS" -ne 0 ]; then
        rm -rf "$to"
        mirror=$(ci_debian_mirror)
        [ -n "$mirror" ] || ci_fail "MicroPython's source cannot be had; clone it elsewhere and type: make ... MICROPYTHON_DIR=/path/to/it"
        ci_say "Cloning did not work here; Debian's package will do for the simulator"
        ci_try ci_unpack_debian_micropython "$to"
        [ "$CI_STATUS" -eq 0 ] || ci_fail "MicroPython's source cannot be had; clone it elsewhere and type: make ... MICROPYTHON_DIR=/path/to/it"
    fi
}

# Fetch MicroPython's source as $1, unless what is there was fetched by the same pins. A source that
# did not arrive whole never gets that name.
ci_fetch_micropython_once() {
    local pins="$MICROPYTHON_TAG, else Debian $DEBIAN_SOURCE_SUITE"
    # A link leads to a source of somebody's own.
    if [ ! -L "$1" ] && [ "$(cat "$1.pins" 2>/dev/null || true)" != "$pins" ]; then
        rm -f "$1.pins"
        ci_fetch_micropython "$1.partial"
        rm -rf "$1"
        mv "$1.partial" "$1"
        echo "$pins" >"$1.pins"
    fi
}

# Print the folder of MicroPython's source: MICROPYTHON_DIR, else build/micropython, fetched if
# it is not there or was fetched by other pins.
ci_find_micropython() {
    local dir=${MICROPYTHON_DIR:-$CI_BUILD/micropython}
    # A folder `a b` would be two for its make, and the second would lie in MicroPython's source.
    case $CI_ROOT$dir in
    *[[:space:]]*) ci_fail "MicroPython's make takes no spaces in a path: move $CI_ROOT or $dir, whichever has one" ;;
    esac
    if [ -z "${MICROPYTHON_DIR:-}" ]; then
        ci_alone micropython ci_fetch_micropython_once "$dir"
    elif [ ! -f "$dir/ports/unix/Makefile" ]; then
        ci_fail "MICROPYTHON_DIR=$dir holds no MicroPython source (no ports/unix/Makefile)"
    fi
    realpath "$dir"
}
