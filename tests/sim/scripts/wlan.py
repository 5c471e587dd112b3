# network.WLAN as ports/esp32/network_wlan.c has it, without a control channel: one open
# access point, "classroom".
import network
import time

wlan = network.WLAN(network.STA_IF)
assert wlan is network.WLAN()
assert not wlan.active() and wlan.status() == network.STAT_IDLE
for call in (wlan.scan, wlan.connect, wlan.disconnect):
    try:
        call()
        assert False
    except OSError:
        pass

wlan.active(True)
ssid, bssid, channel, rssi, security, hidden = wlan.scan()[0]
assert (ssid, len(bssid), security, hidden) == (b"classroom", 6, network.AUTH_OPEN, False)


def wait_for(status, limit=60000):
    end = time.ticks_add(time.ticks_ms(), limit)
    while wlan.status() != status:
        assert time.ticks_diff(end, time.ticks_ms()) > 0, wlan.status()
        time.sleep_ms(5)


def join(ssid, key):
    if wlan.status() != network.STAT_IDLE:
        wlan.disconnect()
        wait_for(network.STAT_IDLE)
    wlan.connect(ssid, key)


# Absent, then present; a second connect() while the first is under way is refused.
join("nowhere", None)
assert wlan.status() == network.STAT_CONNECTING
try:
    wlan.connect("classroom")
    assert False
except OSError as error:
    assert str(error) == "Wifi Internal State Error"
wait_for(network.STAT_NO_AP_FOUND)
join("classroom", "not needed")
assert wlan.status() == network.STAT_IDLE  # connect() does not clear what disconnect() left
wait_for(network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY)
join("classroom", None)
wait_for(network.STAT_GOT_IP)
assert wlan.isconnected() and wlan.ifconfig()[0] == "10.0.0.2"
assert wlan.status("rssi") == -50
assert wlan.config("ssid") == "classroom"

# disconnect() takes effect later.
wlan.disconnect()
assert wlan.isconnected()
wait_for(network.STAT_IDLE)
assert wlan.ifconfig()[0] == "0.0.0.0"
print("ok")
