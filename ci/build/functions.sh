# All shell functions: `. ci/build/functions.sh`, then call one; the Makefile does the same.
. "${BASH_SOURCE[0]%/*}/env.sh"
. "${BASH_SOURCE[0]%/*}/tools.sh"
. "${BASH_SOURCE[0]%/*}/fetch.sh"
. "${BASH_SOURCE[0]%/*}/simulator.sh"
. "${BASH_SOURCE[0]%/*}/mcu.sh"
. "${BASH_SOURCE[0]%/*}/web.sh"
. "${BASH_SOURCE[0]%/*}/home_assistant.sh"
. "${BASH_SOURCE[0]%/*}/brokers.sh"
