// The radio: what network.WLAN sees of the access points around the board.
//
// It follows ports/esp32/network_wlan.c of v1.28: connect() and disconnect() only ask
// and the answer comes later; a lost or missing access point is tried again forever;
// status() is worked out from the last reason, and most reasons read as "connecting".
//
// It can be an access point, too, with or without the station, for one phone. Both are on one
// channel: where the station joins, the access point goes along.

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "py/objstr.h"
#include "py/runtime.h"
#include "sim_wlan.h"

#define ACCESS_POINTS_MAX (40)
#define SSID_MAX (32)
#define KEY_MAX (64)
#define BSSID_LEN (6)
#define WPA2_KEY_MIN (8)

// Status codes of ports/esp32 (modnetwork.h and esp_wifi_types.h).
enum {
    STATUS_IDLE = 1000,
    STATUS_CONNECTING = 1001,
    STATUS_GOT_IP = 1010,
    STATUS_WRONG_PASSWORD = 202,
};

// Why ESP-IDF says that a connection has ended or could not be made (esp_wifi_types_generic.h).
enum {
    REASON_LEAVE = 8,      // disconnect()
    REASON_HANDSHAKE = 15, // mostly a wrong password
    REASON_BEACON = 200,   // the access point has gone
    REASON_NO_AP = 201,
    REASON_AUTH = 202,
    REASON_CONNECTION = 205,
    REASON_NO_COMPATIBLE_AP = 210, // it has a key and we gave none, or the other way round
};

// wifi_auth_mode_t of ESP-IDF.
enum {
    SECURITY_OPEN = 0,
    SECURITY_WPA2 = 3,
};

// Measured on the emulated chip: 1.1 s to an address. Shortened, for tests run often.
#define JOIN_US (100000)
// Between two tries.
#define RETRY_US (300000)
// Of a four-way handshake with a wrong password; seconds on the chip. Meanwhile the station is
// associated, so it may have a signal strength.
#define HANDSHAKE_US (150000)
// disconnect() is asynchronous on the chip too.
#define LEAVE_US (20000)
// An ESP32 gives an access point up after 6 s without a beacon.
#define BEACON_TIMEOUT_US (6000000)

typedef struct _access_point_t {
    char ssid[SSID_MAX + 1];
    char key[KEY_MAX + 1]; // empty: an open network
    uint8_t bssid[BSSID_LEN];
    int rssi;
    int channel;
    bool hidden;
    int refusal;  // the reason that a wrong password gives
    int security; // ESP-IDF's wifi_auth_mode_t
} access_point_t;

typedef enum {
    STATE_IDLE,
    STATE_JOINING,    // an answer comes at `deadline`
    STATE_RETRYING,   // the next try begins at `deadline`
    STATE_HANDSHAKE,  // the password is wrong, which is noticed at `deadline`
    STATE_ASSOCIATED, // nobody gives an address; asks again at `deadline`
    STATE_JOINED,
    STATE_LEAVING, // disconnect() takes effect at `deadline`
} wlan_state_t;

// The board's own access point, and the phone in it.
typedef struct _own_access_point_t {
    bool active;
    char ssid[SSID_MAX + 1];
    char key[KEY_MAX + 1];
    int security;
    int channel; // that it is on
    uint32_t address;
    bool has_phone;
    bool phone_follows; // to another channel
} own_access_point_t;

static access_point_t access_points[ACCESS_POINTS_MAX] = {
    {.ssid = "classroom",
     .bssid = {2, 0, 0, 0, 0, 1},
     .rssi = -50,
     .channel = 6,
     .refusal = REASON_HANDSHAKE},
};
static size_t access_points_len = 1;

static bool active;
static wlan_state_t state;
static uint64_t deadline;
static bool requested; // connect() has been called, and disconnect() not since
static bool connected; // there is an address
static int reason;     // of the last disconnection; an address clears it, connect() does not
static bool outage;    // the test side has switched all access points off
static bool dns = true;
static bool dhcp = true;
static int beacon_timeout_us = BEACON_TIMEOUT_US;
static int address_host = 2; // last number of the board's address
static char wanted_ssid[SSID_MAX + 1];
static char wanted_key[KEY_MAX + 1];
static uint8_t wanted_bssid[BSSID_LEN];
static bool is_bssid_wanted;         // else any access point of that name will do
static int scan_us;                  // how long a search of all channels takes; 2.4 s on the chip
static const access_point_t *joined; // associated, with an address or without
static int attempts_max;             // WLAN.config(reconnects=) plus 1; 0 is forever
static int attempts;                 // that have failed since connect()
static own_access_point_t own;
static sim_link_t link_state;
static sim_link_t phone_link;
static int told_status;
static const sim_wlan_listener_t *listener;

// The world's side ------------------------------------------------------------

// As network_wlan_status of v1.28.
static int status_locked(void) {
    if (connected) { // measured: still right after disconnect()
        return STATUS_GOT_IP;
    }
    switch (reason) {
    case REASON_NO_AP:
    case REASON_NO_COMPATIBLE_AP:
        return reason;
    case REASON_AUTH:
    case REASON_CONNECTION:
        return STATUS_WRONG_PASSWORD;
    case REASON_LEAVE:
        return STATUS_IDLE;
    default:
        if (requested && (attempts_max == 0 || attempts < attempts_max)) {
            return STATUS_CONNECTING;
        }
        return reason == 0 ? STATUS_IDLE : reason;
    }
}

void sim_wlan_set_listener(const sim_wlan_listener_t *new_listener) {
    listener = new_listener;
}

sim_link_t sim_wlan_link_locked(void) {
    return link_state;
}

sim_link_t sim_wlan_phone_link_locked(void) {
    return phone_link;
}

uint32_t sim_wlan_phone_address_locked(void) {
    return htonl(ntohl(own.address) + 1); // the first of the DHCP server's pool
}

bool sim_wlan_dns_locked(void) {
    return link_state == SIM_LINK_UP && dns;
}

static void tell_own_locked(void) {
    char ssid[256];
    sim_emit_text("ssid", own.ssid, ssid, sizeof(ssid));
    sim_emit("\"event\": \"ap\", \"active\": %s, %s, \"security\": %d, \"channel\": %d",
             own.active ? "true" : "false", ssid, own.security, own.channel);
}

static void set_phone_locked(bool there) {
    if (there != own.has_phone) {
        own.has_phone = there;
        sim_emit("\"event\": \"phone\", \"joined\": %s", there ? "true" : "false");
    }
}

// The access point is on the channel of the station, and not every phone comes along.
static void follow_station_locked(void) {
    if (own.active && joined != NULL && joined->channel != own.channel) {
        own.channel = joined->channel;
        tell_own_locked();
        set_phone_locked(own.has_phone && own.phone_follows);
    }
}

// Work out the links from the state, and tell whom it concerns.
static void update_locked(void) {
    follow_station_locked();
    sim_link_t link = state != STATE_JOINED ? SIM_LINK_DOWN
                      : outage              ? SIM_LINK_SILENT
                                            : SIM_LINK_UP;
    sim_link_t phone = !own.active      ? SIM_LINK_DOWN
                       : !own.has_phone ? SIM_LINK_SILENT
                                        : SIM_LINK_UP;
    if (link != link_state || phone != phone_link) {
        link_state = link;
        phone_link = phone;
        listener->link_changed_locked();
    }
    int status = status_locked();
    if (status != told_status) {
        told_status = status;
        sim_emit("\"event\": \"wlan\", \"status\": %d", status);
    }
}

static void try_again_locked(uint64_t now, int why) {
    reason = why;
    joined = NULL;
    connected = false;
    state = attempts_max != 0 && ++attempts >= attempts_max ? STATE_IDLE : STATE_RETRYING;
    deadline = now + RETRY_US;
}

static bool is_connecting_locked(void) {
    return state == STATE_JOINING || state == STATE_RETRYING || state == STATE_HANDSHAKE ||
           (state == STATE_LEAVING && joined == NULL);
}

// The radio takes the first access point that it finds, from the lowest channel on
// (connect() leaves ESP-IDF's WIFI_FAST_SCAN), or the one that it was told to take.
static const access_point_t *find_locked(void) {
    const access_point_t *found = NULL;
    for (size_t i = 0; i < access_points_len && !outage; ++i) {
        const access_point_t *point = &access_points[i];
        if (strcmp(point->ssid, wanted_ssid) == 0 &&
            (!is_bssid_wanted || memcmp(point->bssid, wanted_bssid, BSSID_LEN) == 0) &&
            (found == NULL || point->channel < found->channel)) {
            found = point;
        }
    }
    return found;
}

static void ask_for_address_locked(uint64_t now) {
    connected = dhcp;
    state = dhcp ? STATE_JOINED : STATE_ASSOCIATED;
    deadline = dhcp ? UINT64_MAX : now + RETRY_US;
    if (dhcp) {
        reason = 0;
    }
}

static void answer_locked(uint64_t now) {
    const access_point_t *found = find_locked();
    if (found == NULL) {
        try_again_locked(now, REASON_NO_AP);
    } else if ((found->key[0] == '\0') != (wanted_key[0] == '\0')) {
        try_again_locked(now, REASON_NO_COMPATIBLE_AP);
    } else {
        joined = found;
        if (strcmp(found->key, wanted_key) == 0) {
            ask_for_address_locked(now);
        } else {
            state = STATE_HANDSHAKE;
            deadline = now + HANDSHAKE_US;
        }
    }
}

static uint64_t run_locked(uint64_t now) {
    while (state != STATE_IDLE && deadline <= now) {
        switch (state) {
        case STATE_JOINING:
            answer_locked(now);
            break;
        case STATE_RETRYING:
            state = STATE_JOINING;
            deadline = now + JOIN_US;
            break;
        case STATE_HANDSHAKE:
            try_again_locked(now, joined->refusal);
            break;
        case STATE_ASSOCIATED:
            if (find_locked() != NULL) {
                ask_for_address_locked(now);
                break;
            }
        // fall through
        case STATE_JOINED: // no beacon for too long
            try_again_locked(now, REASON_BEACON);
            break;
        default: // STATE_LEAVING
            state = STATE_IDLE;
            joined = NULL;
            connected = false;
            reason = REASON_LEAVE;
            break;
        }
    }
    update_locked();
    return state == STATE_IDLE ? UINT64_MAX : deadline;
}

static void copy_text(char *out, size_t size, const char *text) {
    snprintf(out, size, "%s", text);
}

static bool add_access_point_locked(const sim_command_t *command) {
    const char *ssid = sim_field(command, "ssid", "");
    int channel = sim_field_int(command, "channel", 6);
    size_t i = 0;
    while (i < access_points_len &&
           (strcmp(access_points[i].ssid, ssid) != 0 || access_points[i].channel != channel)) {
        ++i;
    }
    if (ssid[0] == '\0' || strlen(ssid) > SSID_MAX || i == ACCESS_POINTS_MAX) {
        return false;
    }
    if (i == access_points_len) {
        ++access_points_len;
    }
    access_point_t *point = &access_points[i];
    copy_text(point->ssid, sizeof(point->ssid), ssid);
    copy_text(point->key, sizeof(point->key), sim_field(command, "password", ""));
    point->rssi = sim_field_int(command, "rssi", -50);
    point->channel = channel;
    point->hidden = sim_field_bool(command, "hidden", false);
    point->refusal = sim_field_int(command, "refusal", REASON_HANDSHAKE);
    point->security =
        sim_field_int(command, "security", point->key[0] == '\0' ? SECURITY_OPEN : SECURITY_WPA2);
    memcpy(point->bssid, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(i + 1)}, BSSID_LEN);
    return true;
}

static void set_outage_locked(const sim_command_t *command, uint64_t now) {
    outage = sim_field_bool(command, "value", true);
    beacon_timeout_us =
        1000 * sim_field_int(command, "noticed_after_ms", BEACON_TIMEOUT_US / 1000);
    if (state == STATE_JOINED) {
        deadline = outage ? now + (uint64_t)beacon_timeout_us : UINT64_MAX;
    }
}

// A phone joins if it knows the key, or leaves.
static bool move_phone_locked(const sim_command_t *command) {
    bool there = sim_field_bool(command, "joined", true);
    bool knows_key =
        own.security == SECURITY_OPEN || strcmp(sim_field(command, "key", ""), own.key) == 0;
    if (there && !(own.active && knows_key)) {
        return false;
    }
    own.phone_follows = sim_field_bool(command, "follows", true);
    set_phone_locked(there);
    return true;
}

static bool command_locked(const sim_command_t *command) {
    const char *name = sim_field(command, "command", "");
    uint64_t now = sim_now_us();
    if (strcmp(name, "access_point") == 0) {
        return add_access_point_locked(command);
    } else if (strcmp(name, "phone") == 0) {
        if (!move_phone_locked(command)) {
            return false;
        }
    } else if (strcmp(name, "no_access_points") == 0) {
        access_points_len = 0;
        if (state == STATE_JOINED) {
            try_again_locked(now, REASON_BEACON);
        }
    } else if (strcmp(name, "outage") == 0) {
        set_outage_locked(command, now);
    } else if (strcmp(name, "dns") == 0) {
        dns = sim_field_bool(command, "value", true);
    } else if (strcmp(name, "dhcp") == 0) {
        dhcp = sim_field_bool(command, "value", true);
    } else if (strcmp(name, "scan_time") == 0) {
        scan_us = 1000 * sim_field_int(command, "ms", 0);
    } else if (strcmp(name, "new_address") == 0) {
        address_host = address_host == 254 ? 2 : address_host + 1;
        listener->address_changed_locked();
    } else {
        return false;
    }
    update_locked();
    return true;
}

const sim_device_t sim_wlan = {.command_locked = command_locked, .run_locked = run_locked};

// The chip's side: functions of the module _sim ---------------------------------

// wlan_active(on)
static mp_obj_t sim_wlan_active(mp_obj_t on_in) {
    bool on = mp_obj_is_true(on_in);
    sim_lock();
    if (on && !active) {
        attempts = 0;
    }
    active = on;
    if (!active && state != STATE_IDLE) {
        state = STATE_IDLE;
        joined = NULL;
        connected = false;
        reason = REASON_LEAVE;
    }
    update_locked();
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_wlan_active_obj, sim_wlan_active);

// esp_wifi_set_config refuses while the station is connecting.
static void check_not_connecting(void) {
    sim_lock();
    bool is_connecting = is_connecting_locked();
    sim_unlock();
    if (is_connecting) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Wifi Internal State Error"));
    }
}

// wlan_configure(reconnects): -1 is forever
static mp_obj_t sim_wlan_configure(mp_obj_t reconnects_in) {
    int reconnects = mp_obj_get_int(reconnects_in);
    check_not_connecting();
    sim_lock();
    attempts_max = reconnects + 1;
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_wlan_configure_obj, sim_wlan_configure);

// wlan_connect(ssid, key, bssid); without an ssid all three stay as they were
static mp_obj_t sim_wlan_connect(mp_obj_t ssid_in, mp_obj_t key_in, mp_obj_t bssid_in) {
    const char *ssid = ssid_in == mp_const_none ? NULL : mp_obj_str_get_str(ssid_in);
    const char *key = key_in == mp_const_none ? "" : mp_obj_str_get_str(key_in);
    const char *bssid = NULL;
    if (bssid_in != mp_const_none) {
        size_t len;
        bssid = mp_obj_str_get_data(bssid_in, &len);
        if (len != BSSID_LEN) {
            mp_raise_ValueError(NULL);
        }
    }
    if (!active) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Wifi Not Started"));
    }
    check_not_connecting();
    sim_lock();
    attempts = 0;
    if (ssid != NULL) {
        copy_text(wanted_ssid, sizeof(wanted_ssid), ssid);
        copy_text(wanted_key, sizeof(wanted_key), key);
        is_bssid_wanted = bssid != NULL;
        if (is_bssid_wanted) {
            memcpy(wanted_bssid, bssid, BSSID_LEN);
        }
    }
    joined = NULL;
    connected = false;
    requested = true;
    state = STATE_JOINING;
    deadline = sim_now_us() + JOIN_US;
    update_locked();
    sim_unlock();
    sim_wake();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_3(sim_wlan_connect_obj, sim_wlan_connect);

static mp_obj_t sim_wlan_disconnect(void) {
    if (!active) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Wifi Not Started"));
    }
    sim_lock();
    requested = false;
    if (state == STATE_HANDSHAKE) {
        joined = NULL; // still connecting: connect() is refused until it has left
    }
    if (state != STATE_IDLE && state != STATE_LEAVING) {
        state = STATE_LEAVING;
        deadline = sim_now_us() + LEAVE_US;
    }
    update_locked();
    sim_unlock();
    sim_wake();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_disconnect_obj, sim_wlan_disconnect);

static mp_obj_t sim_wlan_status(void) {
    sim_lock();
    int status = status_locked();
    sim_unlock();
    return MP_OBJ_NEW_SMALL_INT(status);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_status_obj, sim_wlan_status);

// wlan_rssi(): of the joined access point, None if there is none
static mp_obj_t sim_wlan_rssi(void) {
    sim_lock();
    mp_obj_t rssi = joined == NULL ? mp_const_none : MP_OBJ_NEW_SMALL_INT(joined->rssi);
    sim_unlock();
    return rssi;
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_rssi_obj, sim_wlan_rssi);

// wlan_channel(): that the radio is on
static mp_obj_t sim_wlan_channel(void) {
    sim_lock();
    int channel = joined != NULL ? joined->channel : own.active ? own.channel : 1;
    sim_unlock();
    return MP_OBJ_NEW_SMALL_INT(channel);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_channel_obj, sim_wlan_channel);

// wlan_ssid(): the last one asked for
static mp_obj_t sim_wlan_ssid(void) {
    return mp_obj_new_str_from_cstr(wanted_ssid);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_ssid_obj, sim_wlan_ssid);

// wlan_host(): last number of the address, 0 while there is none
static mp_obj_t sim_wlan_host(void) {
    sim_lock();
    int host = state == STATE_JOINED ? address_host : 0;
    sim_unlock();
    return MP_OBJ_NEW_SMALL_INT(host);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_host_obj, sim_wlan_host);

// wlan_scan(): [(ssid, bssid, channel, rssi, authmode, hidden), ...], hidden ones without a name
static mp_obj_t sim_wlan_scan(void) {
    if (!active) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("STA must be active"));
    }
    // Nothing of Python runs meanwhile: the chip waits for esp_wifi_scan_start.
    uint64_t end = sim_now_us() + (uint64_t)scan_us;
    for (uint64_t now = sim_now_us(); now < end; now = sim_now_us()) {
        poll(NULL, 0, (int)((end - now) / 1000) + 1);
    }
    access_point_t seen[ACCESS_POINTS_MAX];
    sim_lock();
    // While it connects, esp_wifi_scan_start fails, and network_wlan_scan finds nothing.
    size_t len = outage || is_connecting_locked() ? 0 : access_points_len;
    memcpy(seen, access_points, sizeof(seen));
    sim_unlock();
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < len; ++i) {
        const access_point_t *point = &seen[i];
        mp_obj_t items[6] = {
            mp_obj_new_bytes((const byte *)point->ssid, point->hidden ? 0 : strlen(point->ssid)),
            mp_obj_new_bytes(point->bssid, sizeof(point->bssid)),
            MP_OBJ_NEW_SMALL_INT(point->channel),
            MP_OBJ_NEW_SMALL_INT(point->rssi),
            MP_OBJ_NEW_SMALL_INT(point->security),
            mp_const_false,
        };
        mp_obj_list_append(list, mp_obj_new_tuple(MP_ARRAY_SIZE(items), items));
    }
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_wlan_scan_obj, sim_wlan_scan);

// The board's own access point -----------------------------------------------------

// ap_set(active, ssid, key, security, channel, address): what it is from now on. One that is on
// and changes begins again, and loses its phone.
static mp_obj_t sim_ap_set(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    own_access_point_t wanted = {
        .active = mp_obj_is_true(args[0]),
        .security = mp_obj_get_int(args[3]),
        .channel = mp_obj_get_int(args[4]),
        .address = inet_addr(mp_obj_str_get_str(args[5])),
    };
    copy_text(wanted.ssid, sizeof(wanted.ssid), mp_obj_str_get_str(args[1]));
    copy_text(wanted.key, sizeof(wanted.key), mp_obj_str_get_str(args[2]));
    if (wanted.security != SECURITY_OPEN && strlen(wanted.key) < WPA2_KEY_MIN) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Wifi Invalid Password"));
    }
    if (wanted.channel < 1 || wanted.channel > 13) {
        mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("Wifi Unknown Error 0x%04x"),
                          0x0102); // ESP_ERR_INVALID_ARG
    }
    sim_lock();
    bool is_heard = wanted.active || own.active;
    set_phone_locked(false);
    own = wanted;
    if (is_heard) {
        tell_own_locked();
    }
    update_locked();
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sim_ap_set_obj, 6, 6, sim_ap_set);

// ap_phone(): the address of the phone that is there, or None
static mp_obj_t sim_ap_phone(void) {
    sim_lock();
    struct in_addr address = {.s_addr = sim_wlan_phone_address_locked()};
    bool there = phone_link == SIM_LINK_UP;
    sim_unlock();
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof(text));
    return there ? mp_obj_new_str_from_cstr(text) : mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_ap_phone_obj, sim_ap_phone);
