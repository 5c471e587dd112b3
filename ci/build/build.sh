#!/usr/bin/env bash
# Build a board's firmware and its files in dist/:  ci/build/build.sh mpython
#
# With the ESP-IDF in IDF_PATH if that is set, else in the container that holds it.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

ESP_IDF_CONTAINER=espressif/idf:$ESP_IDF_TAG

unset MAKEFLAGS MFLAGS # this build's variables are not MicroPython's

# Refuse a MicroPython that images are not built from.
ci_check_pinned_micropython() {
    local version
    version=$(ci_tool ci.build.version --micropython "$1")
    [ "$version" = "$MICROPYTHON_TAG" ] ||
        ci_fail "$1 is MicroPython $version; images are built from $MICROPYTHON_TAG: clone it and type: make build ... MICROPYTHON_DIR=/path/to/it"
}

# The libraries that the chip's port needs and the simulator does not. Other people's clones are
# left as they are.
ci_fetch_port_libraries() {
    local micropython=$1 library content
    for library in lib/berkeley-db-1.xx lib/micropython-lib; do
        content=$(find "$micropython/$library" -mindepth 1 -not -name README.md -print -quit)
        if [ -z "$content" ]; then
            [ -z "${MICROPYTHON_DIR:-}" ] ||
                ci_fail "$micropython lacks $library; type: git -C $micropython submodule update --init $library"
            ci_git submodules -C "$micropython" submodule -q update --init --depth 1 "$library"
        fi
    done
}

# Refuse an ESP-IDF that MicroPython's release does not build with.
ci_check_idf() {
    local file=$IDF_PATH/tools/cmake/version.cmake major minor sorted
    [ -f "$file" ] || ci_fail "IDF_PATH=$IDF_PATH holds no ESP-IDF (no tools/cmake/version.cmake)"
    major=$(sed -n 's/^set(IDF_VERSION_MAJOR \([0-9]*\))/\1/p' "$file")
    minor=$(sed -n 's/^set(IDF_VERSION_MINOR \([0-9]*\))/\1/p' "$file")
    sorted=$(printf '%s\n' "$ESP_IDF_OLDEST" "$major.$minor" "$ESP_IDF_NEWEST" | sort -V | sed -n 2p)
    [ "$sorted" = "$major.$minor" ] ||
        ci_fail "ESP-IDF v$major.$minor does not build MicroPython $MICROPYTHON_TAG; use v$ESP_IDF_OLDEST to v$ESP_IDF_NEWEST"
    ci_check_command idf.py "nothing; type: . $IDF_PATH/export.sh"
}

# Refuse a machine on which nothing can compile for the chip of board $1.
ci_check_compiler() {
    if [ -n "${IDF_PATH:-}" ]; then
        ci_check_idf
    elif ! command -v docker >/dev/null; then
        ci_fail "the chip's compiler is missing: install Docker, or install ESP-IDF $ESP_IDF_TAG and source its export.sh; then type: make build BOARD=$1 (make check BOARD=$1 does all that needs no compiler)"
    elif ! docker info >/dev/null 2>&1; then
        ci_fail "docker is here, but is not started or does not let this user in: type docker info; or install ESP-IDF $ESP_IDF_TAG and source its export.sh (make check BOARD=$1 does all that needs no compiler)"
    fi
}

# Fetch the container with ESP-IDF, unless it is here. Docker's registry turns pulls away now and then,
# those of GitHub's runners, too.
ci_fetch_container() {
    if docker image inspect "$ESP_IDF_CONTAINER" >/dev/null 2>&1; then
        return
    fi
    ci_say "Fetching $ESP_IDF_CONTAINER (some gigabytes)"
    if ! docker pull --quiet "$ESP_IDF_CONTAINER" >/dev/null; then
        sleep 30
        docker pull --quiet "$ESP_IDF_CONTAINER" >/dev/null ||
            ci_fail "Docker cannot fetch $ESP_IDF_CONTAINER, and says why above; try again in an hour, or install ESP-IDF $ESP_IDF_TAG and source its export.sh"
    fi
}

# Copy MicroPython's source $1, apply our patches to the copy, and print its path. The copy says
# what it is in its file `patched`, which ci/build/version.py reads.
ci_patched_micropython() {
    local micropython=$1 copy=$CI_BUILD/micropython-patched patch commit
    # The ceilings hide repositories that lie around MicroPython's, this project's among them.
    commit=$(GIT_CEILING_DIRECTORIES=$(dirname "$micropython") git -C "$micropython" rev-parse --short=8 HEAD 2>/dev/null || true)
    rm -rf "$copy"
    mkdir -p "$copy"
    tar -C "$micropython" --exclude=.git --exclude='./ports/*/build*' --exclude=./mpy-cross/build -cf - . | tar -C "$copy" -xf -
    echo "$commit" >"$copy/patched"
    for patch in "$CI_ROOT"/ci/build/patches/*.patch; do
        GIT_CEILING_DIRECTORIES=$CI_BUILD git -C "$copy" apply "$patch" ||
            ci_fail "$(basename "$patch") does not fit $micropython: is it $MICROPYTHON_TAG, unchanged?"
        basename "$patch" .patch >>"$copy/patched"
    done
    echo "$copy"
}

board=${1:-}
ci_check_board "$board"
micropython=$(ci_find_micropython)
ci_check_pinned_micropython "$micropython"
ci_check_compiler "$board"
[ -n "${IDF_PATH:-}" ] || ci_fetch_container
ci_fetch_port_libraries "$micropython"
"$CI_ROOT/ci/build/check.sh" "$board"

cd "$CI_ROOT"
exec 8>"$CI_BUILD/build.lock"
flock 8 # one board after the other: all have the same patched copy, and write to dist/
# Where a build fails, nothing may be left that looks like its outcome.
rm -f dist/"$board"-v* dist/SHA256SUMS "$CI_BUILD/$board"/{micropython.bin,.bin_timestamp,sizes.json}
patched=$(ci_patched_micropython "$micropython")
if [ -n "${IDF_PATH:-}" ]; then
    ci_say "Building $board with the ESP-IDF in $IDF_PATH (some minutes)"
    ci/build/compile.sh "$board" "$patched"
else
    ci_say "Building $board in $ESP_IDF_CONTAINER (some minutes)"
    # The same path inside as outside, because cmake remembers it. A git worktree's repository lies
    # elsewhere, and tells the version and the date.
    volumes=(--volume "$CI_ROOT:$CI_ROOT")
    repository=$(git rev-parse --path-format=absolute --git-common-dir 2>/dev/null || true)
    case $repository in
    "" | "$CI_ROOT"/*) ;;
    *) volumes+=(--volume "$repository:$repository:ro") ;;
    esac
    docker run --rm --user "$(id -u):$(id -g)" --env HOME=/tmp "${volumes[@]}" \
        "$ESP_IDF_CONTAINER" "$CI_ROOT/ci/build/compile.sh" "$board" "$patched"
fi
"$CI_PYTHON" -m ci.image.sizes "$board"
"$CI_PYTHON" -m ci.image.images "$board"
