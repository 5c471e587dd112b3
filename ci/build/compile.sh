#!/usr/bin/env bash
# Compile board $1 from the patched MicroPython source $2, where ESP-IDF is: here or in a container.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

board=$1 micropython=$2

# What MicroPython's banner says: neither this project's commit nor today's date.
MICROPY_GIT_HASH=$(head -n 1 "$micropython/patched")
SOURCE_DATE_EPOCH=$(ci_tool ci.build.version --epoch)
export MICROPY_GIT_TAG=$MICROPYTHON_TAG MICROPY_GIT_HASH SOURCE_DATE_EPOCH

# The image tells a checksum of its debug information, in which no folder of this machine may stand:
# ESP-IDF replaces those of its own project, which MicroPython's and our sources lie outside of.
export CFLAGS_EXTRA="-ffile-prefix-map=$CI_ROOT=/mqtt-boards"

# What the image says it is: ESP-IDF has room for 31 characters. The port adds to these flags.
version=$(ci_tool ci.build.version)
name=$board/${version#version=}
[ ${#name} -le 31 ] || ci_fail "$name is longer than 31 characters: shorten the board's name or the version"
export IDFPY_FLAGS="-D PROJECT_VER=$name"

# mpy-cross first, by itself: the port's BUILD= would travel into its folder and break it. One that
# was made elsewhere may not run here.
rm -rf "$CI_BUILD/mpy-cross-chip"
make -C "$micropython/mpy-cross" BUILD="$CI_BUILD/mpy-cross-chip"
export MICROPY_MPYCROSS=$CI_BUILD/mpy-cross-chip/mpy-cross
make -C "$micropython/ports/esp32" BOARD_DIR="$CI_ROOT/boards/$board" BUILD="$CI_BUILD/$board" \
    USER_C_MODULES="$CI_ROOT/firmware/micropython.cmake"
