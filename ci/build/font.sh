# The font of mPython's display, from Debian's package of GNU Unifont. Source functions.sh.

set -euo pipefail

FONT_SUITE=trixie
FONT_PACKAGE=unifont=1:15.1.01-1

# Write boards/mpython/font.bin again.
ci_make_font() {
    local download=$CI_BUILD/apt/font
    ci_install_group image
    rm -rf "$download"
    mkdir -p "$download"
    ci_logged apt-font-lists ci_apt "$FONT_SUITE" deb update
    ci_in_folder "$download" ci_logged apt-font ci_apt "$FONT_SUITE" deb download "$FONT_PACKAGE"
    dpkg -x "$download"/*.deb "$download"
    cd "$CI_ROOT"
    "$CI_PYTHON" -m ci.image.font "$download/usr/share/unifont/unifont.hex" boards/mpython/font.bin
}
