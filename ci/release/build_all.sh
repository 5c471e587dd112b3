#!/usr/bin/env bash
# Build every board, with its files in dist/:  ci/release/build_all.sh
. "$(dirname "${BASH_SOURCE[0]}")/../build/functions.sh"

boards=$(ci_tool ci.boards)
for board in $boards; do
    "$CI_ROOT/ci/build/build.sh" "$board"
done
