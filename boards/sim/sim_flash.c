// The flash chip: a file of its size, named by SIM_FLASH_CHIP, under the rules of NOR flash.
//
// An erase sets a sector to ones; a write can only clear bits, and setting one by a write ends
// the program, because on a chip it would be silent damage. Each erase and each write is an
// operation. At number SIM_CUT the power fails: SIM_TEAR percent of it are done. The count goes
// on over resets.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "py/runtime.h"
#include "sim_world.h"

#define SECTOR (4096)

static int chip_fd = -1;

static void fail(const char *what) {
    fflush(stdout);
    fprintf(stderr, "sim: the flash chip: %s\n", what);
    _exit(3);
}

static int chip(void) {
    if (chip_fd < 0) {
        const char *path = getenv("SIM_FLASH_CHIP");
        chip_fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
        if (chip_fd < 0) {
            fail("SIM_FLASH_CHIP names no file that can be written");
        }
    }
    return chip_fd;
}

// Count one operation, and return how many percent of it are done before the power fails.
static long begin_operation(void) {
    long left = sim_setting("SIM_CUT", 0);
    if (left <= 0) {
        return 100;
    }
    char text[24];
    snprintf(text, sizeof(text), "%ld", left - 1);
    setenv("SIM_CUT", left == 1 ? "cut" : text, 1);
    return left == 1 ? sim_setting("SIM_TEAR", 50) : 100;
}

static void end_operation(void) {
    const char *left = getenv("SIM_CUT");
    if (left != NULL && strcmp(left, "cut") == 0) {
        fflush(stdout);
        _exit(0); // as dark as a board without power
    }
}

static void put(size_t address, const void *data, size_t len) {
    if (pwrite(chip(), data, len, (off_t)address) != (ssize_t)len) {
        fail(strerror(errno));
    }
}

static void get(size_t address, void *data, size_t len) {
    if (pread(chip(), data, len, (off_t)address) != (ssize_t)len) {
        fail("an address is behind its end");
    }
}

// flash_read(address, buffer)
static mp_obj_t sim_flash_read(mp_obj_t address_in, mp_obj_t buffer_in) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(buffer_in, &buffer, MP_BUFFER_WRITE);
    get((size_t)mp_obj_get_int(address_in), buffer.buf, buffer.len);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(sim_flash_read_obj, sim_flash_read);

// flash_erase(address): of one sector; takes SIM_ERASE_MS, in which the whole chip stands still
static mp_obj_t sim_flash_erase(mp_obj_t address_in) {
    size_t address = (size_t)mp_obj_get_int(address_in);
    unsigned char ones[SECTOR / 16];
    memset(ones, 0xff, sizeof(ones));
    if (address % SECTOR != 0) {
        fail("an erase does not begin at a sector");
    }
    usleep((useconds_t)sim_setting("SIM_ERASE_MS", 0) * 1000u);
    long done = begin_operation();
    // A torn erase leaves pieces of the old content here and there.
    for (size_t piece = 0; piece < 16; ++piece) {
        if ((long)(piece * 7 % 16 * 100) < done * 16) {
            put(address + piece * sizeof(ones), ones, sizeof(ones));
        }
    }
    end_operation();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_flash_erase_obj, sim_flash_erase);

// flash_write(address, data): whoever needs an erase before it has made one
static mp_obj_t sim_flash_write(mp_obj_t address_in, mp_obj_t data_in) {
    size_t address = (size_t)mp_obj_get_int(address_in);
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    size_t done = data.len * (size_t)begin_operation() / 100;
    unsigned char old[SECTOR];
    for (size_t at = 0; at < done; at += sizeof(old)) {
        const unsigned char *new = (const unsigned char *)data.buf + at;
        size_t len = MIN(sizeof(old), done - at);
        get(address + at, old, len);
        for (size_t i = 0; i < len; ++i) {
            if ((new[i] & ~old[i]) != 0) {
                fail("a write to flash that was not erased");
            }
        }
        put(address + at, new, len);
    }
    end_operation();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(sim_flash_write_obj, sim_flash_write);

// flash_abort(reason): what ESP-IDF answers a write to where the program runs from
static mp_obj_t sim_flash_abort(mp_obj_t reason_in) {
    fail(mp_obj_str_get_str(reason_in));
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_flash_abort_obj, sim_flash_abort);
