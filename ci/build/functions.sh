# All shell functions: `. ci/build/functions.sh`, then call one; the Makefile does the same.

for ci_file in env tools fetch simulator mcu; do
    # shellcheck source=/dev/null
    . "$(dirname "${BASH_SOURCE[0]}")/$ci_file.sh"
done
