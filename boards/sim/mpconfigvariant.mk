# The simulated board: MicroPython's unix port with an ESP32's habits.

FROZEN_MANIFEST ?= $(VARIANT_DIR)/manifest.py

# Debian's source package has no libraries for these, and the boards have neither.
MICROPY_PY_FFI = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_TERMIOS = 0

# The port's own socket module gives way to sim_socket.c, which behaves as ESP32's does.
MICROPY_PY_SOCKET = 0

# Threads with a global lock, as on ESP32; the port's own switch would build them without one.
MICROPY_PY_THREAD = 0
CFLAGS_EXTRA += -DMICROPY_PY_THREAD=1 -DMICROPY_PY_THREAD_GIL=1
LDFLAGS_EXTRA += -lpthread

# sim_main.c comes before the port's main(), sim_serial.c between the port and its terminal.
LDFLAGS_EXTRA += -Wl,--wrap=main
LDFLAGS_EXTRA += -Wl,--wrap=mp_hal_set_interrupt_char -Wl,--wrap=mp_hal_stdout_tx_strn_cooked
LDFLAGS_EXTRA += -Wl,--wrap=mp_hal_stdio_mode_raw -Wl,--wrap=mp_hal_stdio_mode_orig

# The boards' read-eval-print loop. Newer versions of the port compile it anyway.
ifeq ($(shell grep -c runtime/pyexec.c Makefile),0)
SHARED_SRC_C_EXTRA += runtime/pyexec.c
endif

# The port allows unused parameters; in the files of this folder one would be a mistake.
$(BUILD)/$(VARIANT_DIR)/%.o: CFLAGS += -Wunused-parameter
