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


def leave():
    if wlan.status() != network.STAT_IDLE:
        wlan.disconnect()
        wait_for(network.STAT_IDLE)


def at_once(action, ask, limit):
    # What is so just after `action`; None if a busy PC has let this program wait so many ms, in which it changes.
    begin = time.ticks_ms()
    action()
    found = ask()
    return found if time.ticks_diff(time.ticks_ms(), begin) < limit else None


# Absent, then present; a second connect() while the first is under way is refused.
found = at_once(lambda: wlan.connect("nowhere"), wlan.status, 100)
assert found in (network.STAT_CONNECTING, None)
try:
    wlan.connect("classroom")
    assert False
except OSError as error:
    assert str(error) == "Wifi Internal State Error"
wait_for(network.STAT_NO_AP_FOUND)
leave()
found = at_once(lambda: wlan.connect("classroom", "not needed"), wlan.status, 100)
assert found in (network.STAT_IDLE, None)  # connect() does not clear what disconnect() left
wait_for(network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY)
leave()
wlan.connect("classroom", None)
wait_for(network.STAT_GOT_IP)
assert wlan.isconnected() and wlan.ifconfig()[0] == "10.0.0.2"
assert wlan.status("rssi") == -50
assert wlan.config("ssid") == "classroom"

# disconnect() takes effect later.
assert at_once(wlan.disconnect, wlan.isconnected, 20) in (True, None)
wait_for(network.STAT_IDLE)
assert wlan.ifconfig()[0] == "0.0.0.0"
print("ok")
