# ADC2 belongs to Wi-Fi while that is started, and reads 0; ADC1 goes on.
import network
from machine import ADC, Pin

first, second = ADC(Pin(34)), ADC(Pin(25))
wlan = network.WLAN()
untouched = 1000  # what the world puts at every input

for active in (False, True, False):
    wlan.active(active)
    assert first.read() == untouched
    assert second.read() == (0 if active else untouched), active
    assert (second.read_u16() == 0) is active
    assert (second.read_uv() == 0) is active

print("ok")
