# What CI and people call alike: `. ci/functions.sh`, then a function; the Makefile does the same.
# Everything made here lies under build/, so `make clean` undoes it.

# Pins: every version stands here once; the host's Python tools are pinned in pyproject.toml.
MICROPYTHON_TAG=v1.28.0
MICROPYTHON_REPOSITORY=https://github.com/micropython/micropython.git
MICROPYTHON_CLONE_SECONDS=120
DEBIAN_SOURCE_SUITE=trixie # has micropython 1.25.0 and mbedtls 3.6
ESP_IDF_TAG=v5.5.1

CI_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
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

# apt-get with state of its own under build/, for packages of the suite $1 of the machine's
# Debian mirror, as $2 = deb or deb-src. Needs no root and leaves the machine's lists alone.
ci_apt() {
    local suite=$1 kind=$2 state=$CI_BUILD/apt/$1-$2 mirror
    shift 2
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 == "main" && $1 ~ /\/debian\/?$/ { print $1; exit }')
    [ -n "$mirror" ] || ci_fail "this machine's apt names no Debian mirror"
    mkdir -p "$state/sources" "$state/lists/partial" "$state/archives/partial"
    printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$kind" "$mirror" "$suite" \
        /usr/share/keyrings/debian-archive-keyring.gpg >"$state/sources/debian.sources"
    apt-get -q -o Dir::Etc::sourceparts="$state/sources" -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::State::lists="$state/lists" -o Dir::Cache::archives="$state/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

ci_clone_micropython() {
    local to=$1
    ci_say "Cloning MicroPython $MICROPYTHON_TAG (at most $MICROPYTHON_CLONE_SECONDS s)"
    ci_logged clone-micropython env GIT_TERMINAL_PROMPT=0 timeout "$MICROPYTHON_CLONE_SECONDS" \
        git -c advice.detachedHead=false clone -q --depth 1 --branch "$MICROPYTHON_TAG" "$MICROPYTHON_REPOSITORY" "$to" 2>/dev/null &&
        ci_logged clone-submodules env GIT_TERMINAL_PROMPT=0 timeout "$MICROPYTHON_CLONE_SECONDS" \
            git -C "$to" submodule -q update --init --depth 1 lib/mbedtls lib/micropython-lib 2>/dev/null
}

# Unpack the tarball $1 into the folder $2, without its top folder. tar would need xz and bzip2,
# which a minimal Debian lacks; Python has both.
ci_unpack() {
    python3 - "$1" "$2" <<'PYTHON'
import pathlib, sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    for member in archive:
        path = pathlib.PurePosixPath(member.name)
        if len(path.parts) > 1 and ".." not in path.parts and not path.is_absolute():
            member.name = str(pathlib.PurePosixPath(*path.parts[1:]))
            archive.extract(member, sys.argv[2])
PYTHON
}

# Debian's tarballs, signatures checked by apt. The library folders in MicroPython's are empty.
ci_unpack_debian_micropython() {
    local to=$1 download=$CI_BUILD/apt/download
    ci_say "Fetching MicroPython and mbedtls from Debian's source packages ($DEBIAN_SOURCE_SUITE)"
    ci_check_command apt-get apt || return
    rm -rf "$download" && mkdir -p "$download"
    ci_logged apt-sources ci_apt "$DEBIAN_SOURCE_SUITE" deb-src update || return
    (cd "$download" && ci_logged apt-download ci_apt "$DEBIAN_SOURCE_SUITE" deb-src source --download-only micropython mbedtls) || return
    mkdir -p "$to" || return
    ci_unpack "$download"/micropython_*.orig.tar.* "$to" || return
    ci_unpack "$download"/mbedtls_*.orig.tar.* "$to/lib/mbedtls" || return
    # The port's Makefile looks for this file before it reads a manifest.
    mkdir -p "$to/lib/micropython-lib" && echo "Not in Debian's package." >"$to/lib/micropython-lib/README.md"
}

# Print the folder of MicroPython's source: MICROPYTHON_DIR, else build/micropython, fetched if
# it is not there. A source that did not arrive whole never gets that name.
ci_find_micropython() {
    local dir=${MICROPYTHON_DIR:-$CI_BUILD/micropython} partial=$CI_BUILD/micropython.partial
    if [ ! -f "$dir/ports/unix/Makefile" ]; then
        if [ -n "${MICROPYTHON_DIR:-}" ]; then
            ci_fail "MICROPYTHON_DIR=$dir holds no MicroPython source (no ports/unix/Makefile)"
            return
        fi
        rm -rf "$partial" && mkdir -p "$CI_BUILD"
        if ! ci_clone_micropython "$partial"; then
            ci_say "Cloning did not work here; Debian's package will do for the simulator"
            rm -rf "$partial"
            if ! ci_unpack_debian_micropython "$partial"; then
                ci_fail "MicroPython's source cannot be had; clone it elsewhere and type: make ... MICROPYTHON_DIR=/path/to/it"
                return
            fi
        fi
        mv "$partial" "$dir"
    fi
    echo "$dir"
}

# Rid MicroPython's source $1 of a fault of v1.28.0, if it is our clone; else say what is in it.
ci_mend_timer() {
    (cd "$CI_ROOT" && "$CI_PYTHON" -m ci.mend_timer ${MICROPYTHON_DIR:+--only-look} "$1")
}

# What was built from another MicroPython source than $1 is of no use.
ci_forget_other_micropython() {
    if [ "$(cat "$CI_BUILD/built-from" 2>/dev/null)" != "$1" ]; then
        rm -rf "$CI_BUILD"/sim* "$CI_BUILD"/mcu "$CI_BUILD"/mpy-cross
        mkdir -p "$CI_BUILD" && echo "$1" >"$CI_BUILD/built-from"
    fi
}

# Build mpy-cross and print its path.
ci_build_mpy_cross() {
    local micropython program=$CI_BUILD/mpy-cross/mpy-cross
    micropython=$(ci_find_micropython)
    if [ ! -x "$program" ]; then
        ci_check_command gcc gcc && ci_check_command make make
        ci_say "Building mpy-cross (half a minute)"
        ci_logged mpy-cross make -C "$micropython/mpy-cross" -j"$(nproc)" BUILD="$CI_BUILD/mpy-cross"
    fi
    echo "$program"
}

# True if $1 is newer than everything a simulated board is made of.
ci_is_newer_than_sources() {
    [ -x "$1" ] && [ -z "$(find "$CI_ROOT"/{firmware,modules,boards,manifest.py,pyproject.toml,ci/functions.sh} -newer "$1" -type f \
        ! -path '*/__pycache__/*' ! -path '*/boards/sim/host/*' ! -name '*.md' -print -quit)" ]
}

# Build the simulated board $1 as build/sim-$1/micropython; with $2 = 32 as build/sim32-$1, where
# objects have a board's size. All boards share their objects: only the frozen modules differ.
ci_build_simulator() {
    local board=$1 family=sim force=0 objects program micropython mpy_cross
    if [ "${2:-64}" = 32 ]; then
        family=sim32 force=1
    fi
    objects=$CI_BUILD/$family program=$CI_BUILD/$family-$board/micropython
    ci_check_board "$board"
    micropython=$(ci_find_micropython)
    ci_forget_other_micropython "$micropython"
    if ci_is_newer_than_sources "$program"; then
        return
    fi
    mpy_cross=$(ci_build_mpy_cross)
    mkdir -p "$objects" "$CI_BUILD/$family-$board"
    (
        flock 9
        if [ "$(cat "$objects/board" 2>/dev/null)" != "$board" ]; then
            rm -rf "$objects"/frozen_*
        fi
        echo "$board" >"$objects/board"
        touch "$program.started" # what is edited from now on is not in it
        ci_say "Building the simulated $board board (a minute and a half the first time)"
        # The ceiling keeps this project's commit out of MicroPython's version.
        SIM_BOARD=$board GIT_CEILING_DIRECTORIES=$CI_BUILD ci_logged "$family-$board" make -C "$micropython/ports/unix" \
            -j"$(nproc)" VARIANT=sim VARIANT_DIR="$CI_ROOT/boards/sim" FROZEN_MANIFEST="$CI_ROOT/boards/sim/manifest.py" \
            BUILD="$objects" USER_C_MODULES="$CI_ROOT/firmware" MICROPY_FORCE_32BIT=$force \
            MICROPY_MPYCROSS="$mpy_cross" MICROPY_MPYCROSS_DEPENDENCY=
        cp "$objects/micropython" "$program.new"
        touch -r "$program.started" "$program.new"
        mv "$program.new" "$program"
    ) 9>"$objects/lock"
}

# A Debian Python without ensurepip (package python3-venv) gets pip from Debian's wheel.
ci_make_venv() {
    local download=$CI_BUILD/apt/pip suite
    ci_say "Making a Python environment in build/venv"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || ci_fail "Python 3.11 or newer is needed; this is $(python3 -V)"
    rm -rf "$CI_BUILD/venv"
    if python3 -c 'import ensurepip' 2>/dev/null; then
        ci_logged venv python3 -m venv "$CI_BUILD/venv"
        return
    fi
    ci_logged venv python3 -m venv --without-pip "$CI_BUILD/venv"
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
    rm -rf "$download" && mkdir -p "$download"
    ci_logged apt-binaries ci_apt "$suite" deb update
    (cd "$download" && ci_logged apt-pip ci_apt "$suite" deb download python3-pip-whl && dpkg -x ./*.deb .)
    ci_logged pip "$CI_PYTHON" "$(echo "$download"/usr/share/python-wheels/pip-*.whl)/pip" install pip
}

# Install the dependency group $1 of pyproject.toml into build/venv, once for each state of the pins.
ci_install_group() {
    local group=$1 stamp=$CI_BUILD/venv/$1.installed wanted
    ci_check_command python3 python3
    [ -x "$CI_PYTHON" ] && [ -x "$CI_BUILD/venv/bin/pip" ] || ci_make_venv
    wanted=$(python3 - "$CI_ROOT/pyproject.toml" "$group" <<'PYTHON'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    groups = tomllib.load(file)["dependency-groups"]
def packages(name):
    for entry in groups[name]:
        yield from packages(entry["include-group"]) if isinstance(entry, dict) else [entry]
print(*packages(sys.argv[2]), sep="\n")
PYTHON
    )
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        ci_say "Installing the host tools of group '$group'"
        # shellcheck disable=SC2086
        ci_logged "pip-$group" "$CI_PYTHON" -m pip install --quiet --disable-pip-version-check \
            --constraint "$CI_ROOT/ci/constraints.txt" $wanted
        echo "$wanted" >"$stamp"
    fi
}

ci_python_sources() {
    git -C "$CI_ROOT" ls-files --cached --others --exclude-standard '*.py'
}

ci_c_sources() {
    git -C "$CI_ROOT" ls-files --cached --others --exclude-standard '*.c' '*.h' ':!boards/*/mpconfigboard.h'
}

ci_check_format() {
    cd "$CI_ROOT"
    ci_python_sources | xargs "$CI_PYTHON" -m black --quiet --check ||
        ci_fail "Python files are not formatted; type: make format"
    ci_c_sources | xargs "$CI_BUILD/venv/bin/clang-format" --dry-run --Werror ||
        ci_fail "C files are not formatted; type: make format"
}

ci_format() {
    cd "$CI_ROOT"
    ci_python_sources | xargs "$CI_PYTHON" -m black --quiet
    ci_c_sources | xargs "$CI_BUILD/venv/bin/clang-format" -i
}

# Install Debian's package $2, without which $1 is missing; without root, say how.
ci_install_package() {
    if [ "$(id -u)" -ne 0 ]; then
        ci_fail "the tests need '$1'; type: sudo apt-get install $2"
        return
    fi
    ci_say "Installing Debian's $2"
    ci_logged "apt-$2" apt-get -q update
    ci_logged "apt-$2" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$2"
}

# Debian packages that only tests need: $1 is a command, $2 its package.
ci_install_debian() {
    PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || ci_install_package "$1" "$2"
}

# Everything that `make test` needs.
ci_prepare_tests() {
    local board
    ci_install_group test
    ci_install_debian mosquitto mosquitto
    ci_install_debian openssl openssl
    for board in $(ci_list_boards); do
        ci_build_simulator "$board"
    done
}
