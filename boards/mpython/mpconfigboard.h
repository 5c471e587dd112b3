#define MICROPY_HW_BOARD_NAME "labplus mPython"
#define MICROPY_HW_MCU_NAME "ESP32"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "mpython"

// P19 and P20: the bus of the display and the motion sensor.
#define MICROPY_HW_I2C0_SCL (22)
#define MICROPY_HW_I2C0_SDA (23)

// P13, P14, P15. The chip's own default puts MOSI on GPIO23, which is this board's SDA.
#define MICROPY_HW_SPI2_SCK (18)
#define MICROPY_HW_SPI2_MISO (19)
#define MICROPY_HW_SPI2_MOSI (21)
