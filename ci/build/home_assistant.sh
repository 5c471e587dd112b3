# A real Home Assistant, which `make test-ha` starts: in build/home-assistant. Source functions.sh.

set -euo pipefail

CI_HOME_ASSISTANT=$CI_BUILD/home-assistant
HOME_ASSISTANT_RELEASE=2025.4.4 # the newest for this Python:
HOME_ASSISTANT_PYTHON=3.13
HOME_ASSISTANT_MINUTES=30 # for all its tests; they take five on an idle machine
HOME_ASSISTANT_FALLBACK=2024.3.3 # it does not know device messages; the newest for this one:
HOME_ASSISTANT_FALLBACK_PYTHON=3.11

# Print the path of a Python of version $1; nothing if the machine has none.
ci_find_python() {
    local candidate
    for candidate in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1"; do
        # pyenv puts names on the PATH for versions that it was not told to use.
        if "$candidate" -c "" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

# Print the release that this machine can have, and its Python.
ci_choose_home_assistant() {
    local python
    python=$(ci_find_python "$HOME_ASSISTANT_PYTHON")
    if [ -n "$python" ]; then
        echo "$HOME_ASSISTANT_RELEASE $python"
        return
    fi
    python=$(ci_find_python "$HOME_ASSISTANT_FALLBACK_PYTHON")
    [ -n "$python" ] || ci_fail "Home Assistant needs Python $HOME_ASSISTANT_PYTHON, or $HOME_ASSISTANT_FALLBACK_PYTHON for its release $HOME_ASSISTANT_FALLBACK; type: sudo apt-get install python$HOME_ASSISTANT_PYTHON"
    echo "$HOME_ASSISTANT_FALLBACK $python"
}

# Fail unless this machine can have it: a Python, and the registry where it lies. What is missing is
# said. Its other packages are not looked at: if one cannot be installed, `make test-ha` fails.
ci_check_home_assistant() {
    local chosen release python version
    chosen=$(ci_choose_home_assistant)
    read -r release python <<<"$chosen"
    if [ ! -x "$CI_HOME_ASSISTANT/bin/hass" ]; then
        version=$("$python" -c "import platform; print(platform.python_version())")
        ci_logged home-assistant-wheel "$CI_PYTHON" -m pip download --quiet --disable-pip-version-check \
            --no-deps --only-binary :all: --python-version "$version" \
            --dest "$CI_BUILD/home-assistant-wheel" "homeassistant==$release"
    fi
}

# Everything that `make test-ha` needs.
ci_prepare_home_assistant() {
    local chosen release python
    chosen=$(ci_choose_home_assistant)
    read -r release python <<<"$chosen"
    ci_prepare_simulators
    ci_install_browser
    [ "$release" = "$HOME_ASSISTANT_RELEASE" ] ||
        ci_say "No Python $HOME_ASSISTANT_PYTHON here: what device messages hold goes to Home Assistant $release in single ones"
    ci_alone home-assistant ci_update_home_assistant "$python" "$release"
}

# Install the release $2 for the Python $1, once for each state of the pins. All are wheels, so no
# compiler is needed; what they want beyond these is for what the tests do not use.
ci_update_home_assistant() {
    local pins=$CI_ROOT/ci/build/home-assistant-$2.txt stamp=$CI_HOME_ASSISTANT/installed state pip
    state=$(echo "$1" | cat - "$pins" | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null || true)" = "$state" ]; then
        return
    fi
    ci_say "Installing Home Assistant $2 in build/home-assistant (a minute or two, 600 MB)"
    rm -rf "$CI_HOME_ASSISTANT"
    # A Python's own pip, where it brings one: Debian 12's, in build/venv, does not run on 3.13.
    if "$1" -c "import ensurepip" 2>/dev/null; then
        pip=("$CI_HOME_ASSISTANT/bin/python" -m pip)
        ci_logged home-assistant-venv "$1" -m venv "$CI_HOME_ASSISTANT"
    else
        pip=("$CI_PYTHON" -m pip --python "$CI_HOME_ASSISTANT/bin/python")
        ci_logged home-assistant-venv "$1" -m venv --without-pip "$CI_HOME_ASSISTANT"
    fi
    ci_logged home-assistant "${pip[@]}" install --quiet \
        --disable-pip-version-check --no-deps --no-compile --requirement "$pins"
    echo "$state" >"$stamp"
}

# Run the tests with it; $@ is for pytest. What hangs must not hold CI up, and pytest ends what it started.
ci_test_home_assistant() {
    local status=0
    timeout --foreground --signal=INT --kill-after=120 "${HOME_ASSISTANT_MINUTES}m" \
        "$CI_PYTHON" -m tests.run -n0 -rs -m home_assistant "$@" || status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        ci_fail "the tests with Home Assistant have not ended in $HOME_ASSISTANT_MINUTES min; the traceback above says at what; to go on there: make test-ha TESTS=\"-v -x tests/home_assistant\""
    fi
    return "$status"
}
