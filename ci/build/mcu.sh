# The emulated Cortex-M3, the fuzzer, and what `make bench` needs. Source functions.sh.

set -euo pipefail

# clang with libFuzzer, whose package has clang's version in its name.
ci_install_fuzzer() {
    local version
    ci_install_debian clang clang
    version=$(clang -dumpversion | cut -d. -f1)
    ci_install_debian_file "/usr/lib/llvm-$version/lib/clang/*/lib/linux/libclang_rt.fuzzer-$(uname -m).a" "libclang-rt-$version-dev"
}

# Build MicroPython for the emulated Cortex-M3 as build/mcu/firmware.elf.
ci_build_mcu() {
    ci_install_debian arm-none-eabi-gcc gcc-arm-none-eabi
    ci_install_debian_file '/usr/lib/arm-none-eabi/include/string.h' libnewlib-arm-none-eabi
    ci_install_debian qemu-system-arm qemu-system-arm
    ci_alone programs ci_update_mcu
}

ci_update_mcu() {
    local build=$CI_BUILD/mcu micropython mpy_cross
    micropython=$(ci_find_micropython)
    ci_forget_other_micropython "$micropython"
    mpy_cross=$(ci_build_mpy_cross "$micropython")
    ci_say "Building MicroPython for an emulated Cortex-M3 (half a minute the first time)"
    mkdir -p "$build"
    rm -f "$build/firmware.elf"
    ci_logged mcu env GIT_CEILING_DIRECTORIES="$CI_BUILD" make -C "$micropython/ports/qemu" -j"$(nproc)" \
        BOARD=MPS2_AN385 BUILD="$build" USER_C_MODULES="$CI_ROOT/firmware" \
        FROZEN_MANIFEST="$CI_ROOT/tests/microcontroller_manifest.py" \
        MICROPY_MPYCROSS="$mpy_cross" MICROPY_MPYCROSS_DEPENDENCY=
}

# Everything that `make test-mcu` needs.
ci_prepare_mcu_tests() {
    ci_install_group test
    ci_build_mcu
}

# The matcher's tests need the emulated microcontroller, compilers for the host and a fuzzer.
ci_prepare_matcher_tests() {
    ci_install_debian gcc gcc
    if [ "$(uname -m)" = x86_64 ]; then # no other gcc compiles for 32 bits, too
        ci_install_debian_file '/usr/lib/gcc/x86_64-linux-gnu/*/32/libgcc.a' gcc-multilib
    fi
    ci_install_fuzzer
    ci_build_mcu
}

# Fuzz for $1 seconds each what is named after that: topicmatch, umqtt, update; all if nothing is. What
# was found before lies in build/fuzz, and is begun with.
ci_fuzz() {
    local seconds=$1 subject
    shift
    ci_check_number SECONDS "$seconds" whole
    [ $# -gt 0 ] || set -- topicmatch umqtt update
    for subject; do
        case $subject in
        topicmatch | umqtt | update) "ci_fuzz_$subject" "$seconds" ;;
        *) ci_fail "there is nothing to fuzz called '$subject': FUZZ= is topicmatch, umqtt or update" ;;
        esac
    done
}

# The session of umqtt against an oracle, in CPython.
ci_fuzz_umqtt() {
    local seconds=$1
    ci_install_group test
    ci_say "Fuzzing the MQTT session for $seconds s; a failing input is kept in $CI_BUILD/fuzz"
    cd "$CI_ROOT"
    "$CI_PYTHON" -m tests.umqtt.protocol.fuzz "$CI_BUILD/fuzz/umqtt" -max_total_time="$seconds" -print_final_stats=1
}

# What a board takes in an update, in the simulated firmware; some 200 inputs a second.
ci_fuzz_update() {
    local seconds=$1
    ci_prepare_simulators
    ci_say "Fuzzing updates for $seconds s; a failing input is found again by the seed that is told"
    cd "$CI_ROOT"
    PYTHONPATH=boards/sim/host:. "$CI_PYTHON" -m tests.device.update.fuzz --seconds "$seconds"
}

# The matcher's core against its oracle, with sanitizers.
ci_fuzz_topicmatch() {
    local seconds=$1 build=$CI_BUILD/fuzz sources=$CI_ROOT/tests/topicmatch/core
    ci_install_fuzzer
    mkdir -p "$build/corpus"
    rm -f "$build/fuzz"
    clang -std=c99 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wall -Wextra -Werror \
        -I"$CI_ROOT/firmware/topicmatch" "$sources"/{fuzz,check,oracle}.c "$CI_ROOT/firmware/topicmatch/topicmatch.c" -o "$build/fuzz"
    ci_say "Fuzzing the topic matcher for $seconds s; a failing input is kept in $build"
    "$build/fuzz" -max_total_time="$seconds" -max_len=600 -print_final_stats=1 -artifact_prefix="$build/" "$build/corpus"
}

# Everything that `make bench` needs, for the subjects $@; none are all.
ci_prepare_bench() {
    [ "$(uname -m)" = x86_64 ] || ci_fail "the benchmarks count the instructions of x86-64; run them on such a machine"
    ci_tool benchmarks --check "$@"
    ci_prepare_tests
    ci_build_simulator mpython 32
    ci_install_group bench
    ci_install_browser
    ci_install_debian valgrind valgrind
    ci_install_debian_file /usr/include/mosquitto.h libmosquitto-dev
}
