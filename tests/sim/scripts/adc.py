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

# Attenuation is the pin's and stays, width the whole converter's.
first.atten(ADC.ATTN_11DB)
assert ADC(Pin(34)).read_uv() == first.read_uv() > ADC(Pin(35)).read_uv()
first.width(ADC.WIDTH_10BIT)
assert ADC(Pin(35)).read() == untouched >> 2
assert first.read_u16() == (untouched >> 2) << 6 | (untouched >> 2) >> 4
assert second.read() == untouched
first.width(ADC.WIDTH_12BIT)
for wrong in (lambda: first.atten(4), lambda: first.width(13)):
    try:
        wrong()
        raise AssertionError("it was accepted")
    except ValueError:
        pass

print("ok")
