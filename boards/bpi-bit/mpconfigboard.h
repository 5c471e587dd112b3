#define MICROPY_HW_BOARD_NAME "BPI:bit"
#define MICROPY_HW_MCU_NAME "ESP32"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "bpi-bit"

// Bluetooth does not fit beside a second application slot in 4 MB.
#define MICROPY_PY_BLUETOOTH (0)

// P19 and P20: the bus of the motion sensor. SPI(2)'s default pins are already P13, P14, P15.
#define MICROPY_HW_I2C0_SCL (22)
#define MICROPY_HW_I2C0_SDA (21)
