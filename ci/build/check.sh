#!/usr/bin/env bash
# Check a board as far as no compiler for its chip is needed:  ci/build/check.sh mpython
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

board=${1:-}
ci_check_board "$board"
micropython=$(ci_find_micropython)
ci_install_group image
cd "$CI_ROOT"
ci_say "Checking board $board"
"$CI_PYTHON" -m ci.build.c_modules
"$CI_PYTHON" -m ci.build.check_board "$board" "$micropython"
