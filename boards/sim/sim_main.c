// Power on: what happens before and around MicroPython's own main().
//
// With arguments, the program is MicroPython's unix port: it runs a script, -c or -m.
// Without, it boots as the board does: the frozen module power_on takes it from there.

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"
#include "sim_io.h"
#include "sim_socket.h"
#include "sim_wlan.h"
#include "sim_world.h"

// The chip has 162,688 bytes free at the prompt (shared measurements, ESP32 under
// emulation); objects are twice as large on a 64-bit host.
#define HEAP_ARGUMENT "heapsize=320k"

int __real_main(int argc, char **argv);
void __real_mp_hal_set_interrupt_char(char c);

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

int __wrap_main(int argc, char **argv) {
    choose_flash();
    sim_wlan_set_listener(&sim_sockets_on_air);
    sim_world_start(argv, devices);
    if (argc > 1) {
        return __real_main(argc, argv);
    }
    char *heap = getenv("SIM_HEAP");
    char heap_argument[32] = HEAP_ARGUMENT;
    if (heap != NULL) {
        snprintf(heap_argument, sizeof(heap_argument), "heapsize=%s", heap);
    }
    char *boot_argv[] = {argv[0], "-X", heap_argument, "-m", "power_on", NULL};
    return __real_main(5, boot_argv);
}

// While code runs, Ctrl-C is a signal; while a line is read, it is a character.
void __wrap_mp_hal_set_interrupt_char(char c) {
    __real_mp_hal_set_interrupt_char(c);
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
        tcflag_t flags =
            c == CHAR_CTRL_C ? terminal.c_lflag | ISIG : terminal.c_lflag & ~(tcflag_t)ISIG;
        if (flags != terminal.c_lflag) {
            terminal.c_lflag = flags;
            tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
        }
    }
}

// run(name): as the chip runs boot.py and main.py, frozen before file. Returns False if
// it ended with SystemExit, which is a soft reset.
static mp_obj_t sim_run(mp_obj_t name_in) {
    int result = pyexec_file_if_exists(mp_obj_str_get_str(name_in));
    return mp_obj_new_bool(!(result & PYEXEC_FORCED_EXIT));
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

// The serial line is a closed pipe or an empty file: nobody can ever type.
static bool stdin_has_ended(void) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;
    return poll(&fd, 1, 0) > 0 && read(STDIN_FILENO, &c, 1) <= 0;
}

// prompt(): the board's prompt, friendly or raw, until a soft reset is asked for.
static mp_obj_t sim_prompt(void) {
    mp_hal_stdio_mode_raw();
    for (;;) {
        int result =
            pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (result != 0) {
            break;
        }
    }
    mp_hal_stdio_mode_orig();
    if (stdin_has_ended()) {
        exit(0);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_prompt_obj, sim_prompt);

// restart(cause)
static mp_obj_t sim_restart(mp_obj_t cause_in) {
    sim_world_restart(mp_obj_str_get_str(cause_in));
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_restart_obj, sim_restart);
