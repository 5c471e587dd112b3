# The host's tools: Debian's packages, and Python's in build/venv. Source functions.sh.

set -euo pipefail

# Print the address of the Debian mirror that this machine's apt uses; nothing if it uses none.
ci_debian_mirror() {
    if command -v apt-get >/dev/null; then
        # shellcheck disable=SC2016 # apt's own placeholders
        apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
            awk '$2 == "main" && $1 ~ /\/debian\/?$/ && !found { print $1; found = 1 }'
    fi
}

# Print the folder of ci_apt's state for the suite $1 as $2.
ci_apt_state() {
    echo "$CI_BUILD/apt/$1-$2"
}

# apt-get with state of its own under build/, for packages of the suite $1 of the machine's
# Debian mirror, as $2 = deb or deb-src. Needs no root and leaves the machine's lists alone.
ci_apt() {
    local suite=$1 kind=$2 state mirror
    state=$(ci_apt_state "$@")
    shift 2
    mirror=$(ci_debian_mirror)
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
    local download=$CI_BUILD/apt/pip suite pip mirror
    ci_say "Making a Python environment in build/venv"
    rm -rf "$CI_BUILD/venv"
    pip=$(python3 "$CI_ROOT/ci/build/check_python.py")
    if [ "$pip" = bundled ]; then
        ci_logged venv python3 -m venv "$CI_BUILD/venv"
        return
    fi
    mirror=$(ci_debian_mirror)
    [ -n "$mirror" ] || ci_fail "this machine's Python brings no pip; type: sudo apt-get install python3-venv"
    # shellcheck source=/dev/null
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
    rm -rf "$download"
    mkdir -p "$download"
    ci_logged apt-binaries ci_apt "$suite" deb update
    (
        cd "$download"
        ci_logged apt-pip ci_apt "$suite" deb download python3-pip-whl
        dpkg -x ./*.deb .
    )
    ci_logged venv python3 -m venv --without-pip "$CI_BUILD/venv"
    ci_logged pip "$CI_PYTHON" "$(echo "$download"/usr/share/python-wheels/pip-*.whl)/pip" install pip
}

# Install the dependency group $1 of pyproject.toml into build/venv, once for each state of the pins.
ci_install_group() {
    ci_check_command python3 python3
    ci_alone venv ci_update_venv "$1"
}

ci_update_venv() {
    local group=$1 stamp=$CI_BUILD/venv/$1.installed constraints=$CI_ROOT/ci/build/constraints.txt wanted state
    # An environment that another Python made, before the machine was upgraded, has no pip for this one.
    if ! "$CI_PYTHON" -c "import pip" 2>/dev/null; then
        ci_make_venv
    fi
    wanted=$(python3 "$CI_ROOT/ci/build/group.py" "$group")
    state=$(printf '%s\n' "$wanted" | cat - "$constraints" | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null || true)" != "$state" ]; then
        ci_say "Installing the host tools of group '$group'"
        rm -f "$stamp"
        # shellcheck disable=SC2086 # one word a package
        ci_logged "pip-$group" "$CI_PYTHON" -m pip install --quiet --disable-pip-version-check \
            --constraint "$constraints" $wanted
        echo "$state" >"$stamp"
    fi
}

CI_LISTS_ARE_NEW=

# Install Debian's package $2, without which $1 is missing; where that needs a password, say how.
# Another program that installs, as a new machine's own updates, is waited for.
ci_install_package() {
    local as_root=() apt=(apt-get -q -o DPkg::Lock::Timeout=300)
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || ci_fail "the tests need '$1'; type: sudo apt-get install $2"
        as_root=(sudo -n)
    fi
    ci_say "Installing Debian's $2"
    if [ -z "$CI_LISTS_ARE_NEW" ]; then
        # It fails where any one source does, such as Microsoft's on GitHub's runners, which nothing here
        # comes from. If a list is missing that is needed, the installation fails.
        ci_try ci_logged apt-update "${as_root[@]}" "${apt[@]}" update
        [ "$CI_STATUS" -eq 0 ] || ci_say "Going on: what is needed may come from a source that answered"
        CI_LISTS_ARE_NEW=1
    fi
    ci_logged "apt-$2" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        "${apt[@]}" -y install --no-install-recommends "$2"
}

# Debian packages that only tests need: $1 is a command, $2 its package.
ci_install_debian() {
    PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || ci_install_package "$1" "$2"
}

# Debian packages that contain a file rather than a command: $1 is a pattern, $2 the package.
ci_install_debian_file() {
    compgen -G "$1" >/dev/null || ci_install_package "$1" "$2"
}

# Prints the project's files that match patterns, ended by zeros: tracked, or new and not ignored.
CI_SOURCES=(git -C "$CI_ROOT" ls-files -z --cached --others --exclude-standard)

# By our Python: the path in its first line is that of a folder which may have been moved since.
CLANG_FORMAT=("$CI_PYTHON" "$CI_BUILD/venv/bin/clang-format")

ci_check_repository() {
    "${CI_SOURCES[@]}" >/dev/null 2>&1 ||
        ci_fail "git does not know $CI_ROOT as a repository, and says which files are the project's; git clone it, an unpacked archive will not do"
}

# Check the formatting of Python and C, and the shell scripts.
ci_lint() {
    ci_check_repository
    ci_install_group test
    cd "$CI_ROOT"
    "${CI_SOURCES[@]}" '*.py' | xargs -0 "$CI_PYTHON" -m black --quiet --check ||
        ci_fail "Python files are not formatted; type: make format"
    "${CI_SOURCES[@]}" '*.c' '*.h' ':!boards/*/mpconfigboard.h' |
        xargs -0 "${CLANG_FORMAT[@]}" --dry-run --Werror ||
        ci_fail "C files are not formatted; type: make format"
    ci_lint_shell
}

# Every script, with all that it sources: only then is a function known that stands in a condition.
ci_lint_shell() {
    if [ ! -x "$CI_BUILD/venv/bin/shellcheck" ]; then
        ci_say "The shell scripts are not checked: shellcheck's wheel is for x86-64, this is $(uname -m)"
        return
    fi
    "${CI_SOURCES[@]}" '*.sh' .ci/run |
        xargs -0 "$CI_BUILD/venv/bin/shellcheck" --shell=bash --check-sourced ||
        ci_fail "the shell scripts have the faults above"
}

ci_format() {
    ci_check_repository
    ci_install_group test
    cd "$CI_ROOT"
    "${CI_SOURCES[@]}" '*.py' | xargs -0 "$CI_PYTHON" -m black --quiet
    "${CI_SOURCES[@]}" '*.c' '*.h' ':!boards/*/mpconfigboard.h' | xargs -0 "${CLANG_FORMAT[@]}" -i
}
