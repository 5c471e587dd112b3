// The simulated board is as strict as the chip: where the unix port is more
// generous than ports/esp32/mpconfigport.h of MicroPython v1.28, this takes it back.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// A float has 32 bits, so time.time() is an int.
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)

#include "variants/mpconfigvariant_common.h"

// Ctrl-C is an exception between two bytecodes, never in the middle of C code.
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (0)

// select.poll asks each stream in turn: the radio's state counts, not the host's.
#undef MICROPY_PY_SELECT_POSIX_OPTIMISATIONS
#define MICROPY_PY_SELECT_POSIX_OPTIMISATIONS (0)
#undef MICROPY_PY_SELECT_SELECT
#define MICROPY_PY_SELECT_SELECT (1)

// Error messages have the board's length.
#undef MICROPY_ERROR_REPORTING
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)

// The port's atomic sections need it, and leave it out when there is a global lock. The
// same words as in newer versions' mpconfigport.h.
#define MICROPY_PY_THREAD_RECURSIVE_MUTEX (MICROPY_PY_THREAD)

// The host's own printf, as the chip uses its C library's.
#define MICROPY_USE_INTERNAL_PRINTF (0)

// os.sync, as on the chip.
#define MICROPY_PY_OS_SYNC (1)

// ticks_ms wraps round after 12 days, ticks_us after 18 minutes: as with the board's small
// integers.
#define MICROPY_PY_TIME_TICKS_PERIOD (1 << 30)

// Eight scheduled callbacks may wait; the ninth is dropped.
#define MICROPY_SCHEDULER_DEPTH (8)

#define MICROPY_PY_SYS_PLATFORM "esp32"
#define MICROPY_BANNER_MACHINE "Simulated board with ESP32"
