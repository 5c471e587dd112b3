// The serial line: the program's terminal behaves as the chip's UART does.
#ifndef MICROPY_INCLUDED_BOARDS_SIM_SIM_SERIAL_H
#define MICROPY_INCLUDED_BOARDS_SIM_SIM_SERIAL_H

#include <stdbool.h>

// Take over the terminal, if standard input is one; what is typed already counts only after a soft
// reset. A pipe is left as it is.
void sim_serial_start(bool after_soft_reset);

// The other end has hung up, or the pipe or file has come to its end: nobody can ever type.
bool sim_serial_has_ended(void);

#endif // MICROPY_INCLUDED_BOARDS_SIM_SIM_SERIAL_H
