// The radio: the access points around it, and its own.
#ifndef MICROPY_INCLUDED_BOARDS_SIM_SIM_WLAN_H
#define MICROPY_INCLUDED_BOARDS_SIM_SIM_WLAN_H

#include "sim_world.h"

// What the radio does with a packet.
typedef enum {
    SIM_LINK_DOWN,   // not associated: nothing can be sent
    SIM_LINK_SILENT, // associated, but the access point is gone: packets vanish
    SIM_LINK_UP,
} sim_link_t;

// Who wants to know what happens to the radio's connections; called with the lock held.
typedef struct _sim_wlan_listener_t {
    void (*link_changed_locked)(void);
    void (*address_changed_locked)(void);
} sim_wlan_listener_t;

extern const sim_device_t sim_wlan;

void sim_wlan_set_listener(const sim_wlan_listener_t *listener);
sim_link_t sim_wlan_link_locked(void);
sim_link_t sim_wlan_phone_link_locked(void);  // with the phone in the board's access point
uint32_t sim_wlan_phone_address_locked(void); // of that phone, in network order
bool sim_wlan_dns_locked(void);               // whether a name server answers

#endif // MICROPY_INCLUDED_BOARDS_SIM_SIM_WLAN_H
