# Where MicroPython's source comes from. Source functions.sh.

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
    (cd "$CI_ROOT" && "$CI_PYTHON" -m ci.build.mend_timer ${MICROPYTHON_DIR:+--only-look} "$1")
}
