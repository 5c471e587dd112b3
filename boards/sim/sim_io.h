// Timers, pins, the analogue inputs, the LED data line, the watchdog.
#ifndef MICROPY_INCLUDED_BOARDS_SIM_SIM_IO_H
#define MICROPY_INCLUDED_BOARDS_SIM_SIM_IO_H

#include "sim_world.h"

extern const sim_device_t sim_io;

#endif // MICROPY_INCLUDED_BOARDS_SIM_SIM_IO_H
