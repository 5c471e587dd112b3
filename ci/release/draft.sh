#!/usr/bin/env bash
# Make a draft of a tag's GitHub release from dist/:  ci/release/draft.sh v1.2.3
#
# People see it after ci/release/publish.sh. May be run again after any failure: a draft is made
# again, and a release that has these very files is left as it is. Needs the gh command and GH_TOKEN.
. "$(dirname "${BASH_SOURCE[0]}")/../build/functions.sh"

tag=${1:-}
cd "$CI_ROOT"
ci_check_command gh gh
[ -n "$tag" ] || ci_fail "give the tag: ci/release/draft.sh v1.2.3"
[ -f dist/release-notes.md ] || ci_fail "dist/ is not complete; run 'make release-collect' first"

mapfile -t files < <(find dist -type f ! -name release-notes.md | sort)
mkdir -p build/logs
if ! draft=$(gh release view "$tag" --json isDraft --jq .isDraft 2>build/logs/release-view.log); then
    # A server that does not answer knows of no release either, and would take a second draft.
    grep -qx "release not found" build/logs/release-view.log ||
        ci_fail "GitHub does not tell whether $tag is released: $(cat build/logs/release-view.log); run this again"
    draft=none
fi
case $draft in
none) ;;
true) gh release delete "$tag" --yes ;; # what an earlier run left half-way
*)
    rm -rf build/released
    gh release download "$tag" --pattern SHA256SUMS --dir build/released
    cmp -s build/released/SHA256SUMS dist/SHA256SUMS ||
        ci_fail "$tag has been released already, with other files; people may have them: give the next version"
    ci_say "$tag is released already, with these files"
    exit
    ;;
esac
gh release create "$tag" --draft --verify-tag --title "$tag" --notes-file dist/release-notes.md "${files[@]}"
uploaded=$(gh release view "$tag" --json assets --jq '.assets | length')
[ "$uploaded" -eq "${#files[@]}" ] || ci_fail "the draft has $uploaded of ${#files[@]} files; run this again"
