# What every ESP32 board freezes besides the project's own modules: the port's start-up scripts,
# asyncio, and what programs written for a stock image expect to import. umqtt is our own.

freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")

require("bundle-networking")  # mip, ntptime, requests, ssl, webrepl
require("neopixel")
require("dht")  # sensors that pupils clip to the edge connector
require("ds18x20")
require("onewire")
