// The module `socket`, and what the radio's state means for open connections.
#ifndef MICROPY_INCLUDED_BOARDS_SIM_SIM_SOCKET_H
#define MICROPY_INCLUDED_BOARDS_SIM_SIM_SOCKET_H

#include "sim_wlan.h"

extern const sim_device_t sim_sockets;
extern const sim_wlan_listener_t sim_sockets_on_air;

#endif // MICROPY_INCLUDED_BOARDS_SIM_SIM_SOCKET_H
