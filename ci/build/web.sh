# The page, from web/, a browser to try it in, and Thonny. Source functions.sh.

set -euo pipefail

CI_WEB=$CI_BUILD/web # where web/ is built: npm puts its packages beside the sources
CI_PAGE=$CI_BUILD/page/index.html

# Run a command in the folder $1 with the pinned Node, whose npm is there, too.
ci_in_folder() {
    (
        cd "$1"
        shift
        PATH=$CI_BUILD/venv/bin:$PATH "$@"
    )
}

# Make build/page/index.html: the page, one file with all that it needs.
ci_build_page() {
    ci_install_group web
    ci_alone page ci_update_page
}

ci_update_page() {
    local sources
    mkdir -p "$CI_WEB"
    ci_tool ci.build.page_facts >"$CI_BUILD/facts.json"
    mv "$CI_BUILD/facts.json" "$CI_WEB/facts.json" # in one go: the page's tests may be reading it
    sources=$(ci_page_sources)
    if [ "$(cat "$CI_PAGE.sources" 2>/dev/null || true)" = "$sources" ]; then
        return
    fi
    # What is gone in web/ must be gone here.
    find "$CI_WEB" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name facts.json -exec rm -rf {} +
    cp -R "$CI_ROOT/web/." "$CI_WEB"
    ci_install_web_packages
    ci_say "Building the page"
    rm -f "$CI_PAGE.sources"
    ci_logged page ci_in_folder "$CI_WEB" npm run build
    mkdir -p "${CI_PAGE%/*}"
    mv "$CI_WEB/dist/index.html" "$CI_PAGE" # in one go: somebody may have it open
    echo "$sources" >"$CI_PAGE.sources"
}

ci_install_web_packages() {
    local stamp=$CI_WEB/node_modules/.installed wanted
    wanted=$(sha256sum <"$CI_WEB/package-lock.json")
    if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
        ci_say "Installing the page's tools"
        ci_logged npm ci_in_folder "$CI_WEB" npm ci --ignore-scripts --no-audit --no-fund
        echo "$wanted" >"$stamp"
    fi
}

# Print a checksum of all that the page is made of.
ci_page_sources() {
    cd "$CI_ROOT"
    find web build/web/facts.json ci/build/web.sh -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

# Playwright, and Debian's Chromium, or the Chrome that is there.
ci_install_browser() {
    ci_install_group browser
    command -v google-chrome >/dev/null || ci_install_debian chromium chromium
}

# Thonny in build/thonny, for what it does without a window.
ci_install_thonny() {
    local folder=$CI_BUILD/thonny wanted
    wanted=$(python3 "$CI_ROOT/ci/build/group.py" thonny)
    if [ "$(cat "$folder/.installed" 2>/dev/null || true)" != "$wanted" ]; then
        ci_say "Installing Thonny"
        rm -rf "$folder"
        # shellcheck disable=SC2086 # one word a package
        ci_logged pip-thonny "$CI_PYTHON" -m pip install --quiet --disable-pip-version-check \
            --no-deps --target "$folder" $wanted
        echo "$wanted" >"$folder/.installed"
    fi
}

# What tests of the programs that people use need.
ci_prepare_browser_tests() {
    ci_prepare_simulators
    ci_install_group run
    ci_install_browser
    ci_install_thonny
    ci_build_page
}
