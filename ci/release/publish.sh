#!/usr/bin/env bash
# Show people the release that ci/release/draft.sh has made:  ci/release/publish.sh v1.2.3
#
# May be run again. Needs the gh command and GH_TOKEN.
. "$(dirname "${BASH_SOURCE[0]}")/../build/functions.sh"

tag=${1:-}
cd "$CI_ROOT"
ci_check_command gh gh
[ -n "$tag" ] || ci_fail "give the tag: ci/release/publish.sh v1.2.3"
gh release edit "$tag" --draft=false
