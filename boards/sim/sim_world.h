// The world around the simulated chip: one lock over all its state, a clock, a thread that
// moves it on as the chip's interrupts and its Wi-Fi task do, and the control channel.
//
// The files of this folder call in one direction, each only those above it:
//
//     sim_world     knows its devices through a table alone
//     sim_io        timers, pins, LED line, watchdog
//     sim_wlan      the radio; tells a listener when its link changes
//     sim_socket    sockets over that radio
//     sim_serial    the serial line
//     sim_flash     the flash chip
//     sim_main      power on, prompt, reset; puts the devices into the world
//     sim_module    the Python module _sim, made of all these
#ifndef MICROPY_INCLUDED_BOARDS_SIM_SIM_WORLD_H
#define MICROPY_INCLUDED_BOARDS_SIM_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One "key": value pair of a command.
typedef struct _sim_field_t {
    char *key;
    char *text; // the string, or the number's digits, or "true" or "false"
} sim_field_t;

typedef struct _sim_command_t {
    size_t len;
    sim_field_t fields[8];
} sim_command_t;

// What the world does with a device, always with the lock held.
typedef struct _sim_device_t {
    // Obey a command of the control channel; false if it is none of the device's, or wrong.
    bool (*command_locked)(const sim_command_t *command);
    // Do what is due at `now`; return the next deadline in us, UINT64_MAX for none. NULL if
    // the device never does anything by itself.
    uint64_t (*run_locked)(uint64_t now);
} sim_device_t;

// Power on: connect to the test side, if SIM_CONTROL names one, take its first commands, and
// let the world run. Called once, before MicroPython's main(); `devices` ends with NULL.
void sim_world_start(char **program_argv, const sim_device_t *const *devices);

// Begin again as a new program, as after a reset.
void sim_world_restart(const char *cause) __attribute__((noreturn));

// Return the number in an environment variable, or `otherwise` if it is unset.
long sim_setting(const char *name, long otherwise);

void sim_lock(void);
void sim_unlock(void);
void sim_wake(void);       // let the thread look at its deadlines again
uint64_t sim_now_us(void); // since power-on

// Send an event; format makes its fields, `"event": ...` first.
void sim_emit(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Write `"key": "text"` into out for sim_emit, with text escaped for JSON.
void sim_emit_text(const char *key, const char *text, char *out, size_t size);

const char *sim_field(const sim_command_t *command, const char *key, const char *otherwise);
int sim_field_int(const sim_command_t *command, const char *key, int otherwise);
bool sim_field_bool(const sim_command_t *command, const char *key, bool otherwise);

#endif // MICROPY_INCLUDED_BOARDS_SIM_SIM_WORLD_H
