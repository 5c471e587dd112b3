# What every ESP32 board freezes besides the project's own modules: the port's start-up scripts,
# asyncio, and what programs written for a stock image expect to import. umqtt is our own.
import subprocess
import sys

import manifestfile

freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")

require("bundle-networking")  # mip, ntptime, requests, ssl, webrepl
require("neopixel")
require("dht")  # sensors that pupils clip to the edge connector
require("ds18x20")
require("onewire")

# `import version` answers what the board runs. Written at every build, whoever starts it.
_COMMAND = [sys.executable, "../ci/version.py", "--micropython", manifestfile.__file__]
subprocess.run([*_COMMAND, "--output", "../build/version/version.py"], check=True)
module("version.py", base_path="../build/version")
