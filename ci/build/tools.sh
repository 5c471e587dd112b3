# The host's tools: Debian's packages, and Python's in build/venv. Source functions.sh.

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
            --constraint "$CI_ROOT/ci/build/constraints.txt" $wanted
        echo "$wanted" >"$stamp"
    fi
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
