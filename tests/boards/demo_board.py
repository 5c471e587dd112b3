"""A board that no maker has made, as data: what a third board's folder must hold, and no more."""

from __future__ import annotations

from pathlib import Path

from ci.boards import Board, load_board

NAME = "demo"
LEDS = 8  # two rows of four

FILES = {
    "board.json": """{
    "deploy": ["../deploy.md"],
    "deploy_options": {"flash_offset": "0x1000"},
    "docs": "docs/boards/demo.md",
    "driver": "none",
    "features": ["RGB LED", "WiFi"],
    "images": [],
    "mcu": "esp32",
    "other_chips": {},
    "product": "Demo",
    "thumbnail": "",
    "url": "",
    "usb_ids": ["0403:6001"],
    "vendor": "nobody"
}
""",
    "board.md": "Firmware for a board that is not there.\n",
    "manifest.py": 'include("../manifest.py")\ninclude("../../manifest.py")\nfreeze("modules")\n',
    "modules/board.py": '''"""The demo board: its name and its LEDs."""

from micropython import const

NAME = "demo"
PRODUCT = "Demo"
VENDOR = "nobody"

LED_COUNT = const(8)
LED_COLUMNS = const(4)
LED_BRIGHTNESS = const(50)  # percent
LED_MAX_CURRENT = const(250)  # milliamperes


def led_index(x, y):
    """Return the strip index of column x in row y: the second row runs back."""
    return 7 - x if y else x
''',
    "mpconfigboard.cmake": """set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.240mhz
    ${MICROPY_BOARD_DIR}/../sdkconfig.flash
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
""",
    "mpconfigboard.h": """#define MICROPY_HW_BOARD_NAME "Demo"
#define MICROPY_HW_MCU_NAME "ESP32"
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "demo"

#define MICROPY_HW_I2C0_SCL (22)
#define MICROPY_HW_I2C0_SDA (21)
""",
    "partitions.csv": """# Name,   Type, SubType, Offset,   Size,     Flags
nvs,      data, nvs,     0x9000,   0x4000,
otadata,  data, ota,     0xd000,   0x2000,
phy_init, data, phy,     0xf000,   0x1000,
ota_0,    app,  ota_0,   0x10000,  0x180000,
ota_1,    app,  ota_1,   0x190000, 0x180000,
""",
    "pins.csv": """# Edge connector.
P0,GPIO33
P1,GPIO32
P19,GPIO22
P20,GPIO21

# Functions.
BUTTON_A,GPIO0
BUTTON_B,GPIO14
RGB,GPIO13
LIGHT,GPIO36
I2C_SCL,GPIO22
I2C_SDA,GPIO21
TOUCH_P,GPIO4
""",
    "sdkconfig.board": 'CONFIG_ESPTOOLPY_FLASHSIZE_4MB=y\nCONFIG_LWIP_LOCAL_HOSTNAME="demo"\n',
}


def make_demo_board(boards: Path) -> Board:
    """Write the demo board's folder into `boards` and return the board."""
    for name, text in FILES.items():
        path = boards / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_board(NAME, boards)
