#!/usr/bin/env bash
# Print, as a table, how much larger or smaller a board has become:  ci/release/compare_sizes.sh mpython
#
# Compares with main's last successful build, if its sizes can be had: GitHub may not answer, forgets
# them after 90 days, and knows nothing of a new board. Needs the gh command and GH_TOKEN.
. "$(dirname "${BASH_SOURCE[0]}")/../build/functions.sh"

board=${1:-}
cd "$CI_ROOT"
ci_check_board "$board"
ci_check_command gh gh
before=$CI_BUILD/sizes-main/$board
rm -rf "$before"
# A pull request from a fork's main is a run of a branch called main, too, but of another event.
run=$(gh run list --workflow boards.yml --branch main --event push --status success --limit 1 --json databaseId --jq '.[0].databaseId // empty') || run=
if [ -z "$run" ]; then
    echo "No build of main to compare $board with."
elif ! gh run download "$run" --name "sizes-$board" --dir "$before"; then
    echo "Main's last build has no sizes of $board to compare with."
else
    "$CI_PYTHON" -m ci.image.sizes "$board" --compare "$before/sizes.json"
fi
