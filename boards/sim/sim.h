// The hardware around the simulated chip. All state is behind one lock, and one
// thread of its own (the "world") moves it on, as the chip's interrupts and its
// Wi-Fi task do: timers expire and access points answer while Python waits.
#ifndef MICROPY_INCLUDED_BOARDS_SIM_SIM_H
#define MICROPY_INCLUDED_BOARDS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ESP32 has four hardware timers and forty GPIOs.
#define SIM_TIMERS (4)
#define SIM_PINS (40)

// What the radio does with a packet.
typedef enum {
    SIM_LINK_DOWN,   // not associated: nothing can be sent
    SIM_LINK_SILENT, // associated, but the access point is gone: packets vanish
    SIM_LINK_UP,
} sim_link_t;

// WLAN status codes of ports/esp32 (modnetwork.h and esp_wifi_types.h).
enum {
    SIM_WLAN_IDLE = 1000,
    SIM_WLAN_CONNECTING = 1001,
    SIM_WLAN_GOT_IP = 1010,
    SIM_WLAN_WRONG_PASSWORD = 202,
};

// Why ESP-IDF says that a connection has ended or could not be made (esp_wifi_types_generic.h).
enum {
    SIM_REASON_LEAVE = 8,      // disconnect()
    SIM_REASON_HANDSHAKE = 15, // mostly a wrong password
    SIM_REASON_BEACON = 200,   // the access point has gone
    SIM_REASON_NO_AP = 201,
    SIM_REASON_AUTH = 202,
    SIM_REASON_CONNECTION = 205,
    SIM_REASON_NO_COMPATIBLE_AP = 210, // it has a key and we gave none, or the other way round
};

#define SIM_SSID_MAX (32)
#define SIM_KEY_MAX (64)

typedef struct _sim_access_point_t {
    char ssid[SIM_SSID_MAX + 1];
    char key[SIM_KEY_MAX + 1]; // empty: an open network
    uint8_t bssid[6];
    int rssi;
    int channel;
    bool hidden;
    int refusal; // the reason that a wrong password gives
} sim_access_point_t;

// One "key": value pair of a command.
typedef struct _sim_field_t {
    char *key;
    char *text; // the string, or the number's digits, or "true" or "false"
} sim_field_t;

typedef struct _sim_command_t {
    size_t len;
    sim_field_t fields[8];
} sim_command_t;

// sim_world.c: the lock, the clock, the thread and the control channel.
void sim_world_start(void);
void sim_lock(void);
void sim_unlock(void);
void sim_wake(void);       // let the thread look at its deadlines again
uint64_t sim_now_us(void); // since power-on
void sim_emit(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sim_emit_text(const char *key, const char *text, char *out, size_t size);
const char *sim_field(const sim_command_t *command, const char *key, const char *otherwise);
int sim_field_int(const sim_command_t *command, const char *key, int otherwise);
bool sim_field_bool(const sim_command_t *command, const char *key, bool otherwise);

// sim_io.c: timers, pins, the analogue inputs, the LED data line.
// The *_locked functions are called by the thread, with the lock held.
bool sim_io_command_locked(const sim_command_t *command);
uint64_t sim_io_run_locked(uint64_t now); // returns the next deadline in us, UINT64_MAX for none

// sim_main.c
void sim_restart_now(const char *cause) __attribute__((noreturn));

// sim_wlan.c: the radio and the access points around it.
bool sim_wlan_command_locked(const sim_command_t *command);
uint64_t sim_wlan_run_locked(uint64_t now);
sim_link_t sim_wlan_link_locked(void);
bool sim_wlan_dns_locked(void); // whether a name server answers

// sim_socket.c: the capture, and what the radio's state means for open connections.
bool sim_socket_command_locked(const sim_command_t *command);
void sim_socket_link_changed_locked(sim_link_t link);
void sim_socket_abort_all_locked(void); // the address has changed

#endif // MICROPY_INCLUDED_BOARDS_SIM_SIM_H
