// Power on: what happens before and around MicroPython's own main().
//
// With arguments, the program is MicroPython's unix port: it runs a script, -c or -m.
// Without, it boots as the board does: the frozen module power_on takes it from there.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"
#include "sim_io.h"
#include "sim_serial.h"
#include "sim_socket.h"
#include "sim_wlan.h"
#include "sim_world.h"

// The chip has 162,688 bytes free at the prompt (shared measurements, ESP32 under
// emulation); objects are twice as large on a 64-bit host.
#define HEAP_ARGUMENT "heapsize=320k"

int __real_main(int argc, char **argv);

// Everything the world has around the chip.
static const sim_device_t *const devices[] = {&sim_io, &sim_wlan, &sim_sockets, NULL};

// The folder that is the board's flash filesystem, still the same after a restart elsewhere.
static void choose_flash(void) {
    char folder[PATH_MAX];
    const char *given = getenv("SIM_FLASH");
    if (given != NULL && given[0] == '/') {
        return;
    }
    if (getcwd(folder, sizeof(folder) / 2) == NULL) {
        perror("sim: the current folder");
        exit(2);
    }
    size_t len = strlen(folder);
    snprintf(folder + len, sizeof(folder) - len, "/%s", given == NULL ? "flash" : given);
    setenv("SIM_FLASH", folder, 1);
}

// A soft reset leaves the prompt what it was, friendly or raw; every other begins with the
// friendly.
static void choose_prompt(void) {
    const char *prompt = getenv("SIM_PROMPT");
    if (prompt != NULL && strcmp(prompt, "raw") == 0) {
        pyexec_mode_kind = PYEXEC_MODE_RAW_REPL;
    }
    unsetenv("SIM_PROMPT");
}

int __wrap_main(int argc, char **argv) {
    choose_flash();
    sim_wlan_set_listener(&sim_sockets_on_air);
    sim_world_start(argv, devices);
    if (argc > 1) {
        return __real_main(argc, argv);
    }
    const char *cause = getenv("SIM_RESET_CAUSE");
    sim_serial_start(cause != NULL && strcmp(cause, "soft") == 0);
    choose_prompt();
    char *heap = getenv("SIM_HEAP");
    char heap_argument[32] = HEAP_ARGUMENT;
    if (heap != NULL) {
        snprintf(heap_argument, sizeof(heap_argument), "heapsize=%s", heap);
    }
    char *boot_argv[] = {argv[0], "-X", heap_argument, "-m", "power_on", NULL};
    return __real_main(5, boot_argv);
}

// run(name): as the chip runs boot.py and main.py, frozen before file; there must be one.
// Returns True if it ended well, False after an exception, None after SystemExit.
static mp_obj_t sim_run(mp_obj_t name_in) {
    int result = pyexec_file_if_exists(mp_obj_str_get_str(name_in));
    if (result & PYEXEC_FORCED_EXIT) {
        return mp_const_none;
    }
#if MICROPY_PYEXEC_ENABLE_EXIT_CODE_HANDLING // the unix port since 1.27, not the chip
    return mp_obj_new_bool(result == 0);
#else
    return mp_obj_new_bool(result != 0);
#endif
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_run_obj, sim_run);

// rename(old, new): of files on the host
static mp_obj_t sim_rename(mp_obj_t old_in, mp_obj_t new_in) {
    if (rename(mp_obj_str_get_str(old_in), mp_obj_str_get_str(new_in)) != 0) {
        mp_raise_OSError(errno);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(sim_rename_obj, sim_rename);

// looked_up(path): the flash was asked whether it holds a file
static mp_obj_t sim_looked_up(mp_obj_t path_in) {
    char path[PATH_MAX];
    sim_emit_text("path", mp_obj_str_get_str(path_in), path, sizeof(path) / 2);
    sim_lock();
    sim_emit("\"event\": \"looked_up\", %s", path);
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_looked_up_obj, sim_looked_up);

// prompt(): the board's prompt, friendly or raw, until a soft reset is asked for.
static mp_obj_t sim_prompt(void) {
    for (;;) {
        int result =
            pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (result != 0) {
            break;
        }
    }
    if (sim_serial_has_ended()) {
        exit(0);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_prompt_obj, sim_prompt);

// prompt_is_raw(): whether a program types there
static mp_obj_t sim_prompt_is_raw(void) {
    return mp_obj_new_bool(pyexec_mode_kind == PYEXEC_MODE_RAW_REPL);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_prompt_is_raw_obj, sim_prompt_is_raw);

// soft_reset()
static mp_obj_t sim_soft_reset(void) {
    // ESP32's words, on which the tools wait.
    mp_hal_stdout_tx_strn_cooked("MPY: soft reboot\n", 17);
    if (pyexec_mode_kind == PYEXEC_MODE_RAW_REPL) {
        setenv("SIM_PROMPT", "raw", 1);
    }
    sim_world_restart("soft");
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_soft_reset_obj, sim_soft_reset);

// restart(cause)
static mp_obj_t sim_restart(mp_obj_t cause_in) {
    sim_world_restart(mp_obj_str_get_str(cause_in));
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_restart_obj, sim_restart);
