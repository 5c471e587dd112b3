# rgb: colours, clipping, brightness, GRB on the wire.
import board
import machine
import rgb

wire = []
machine.bitstream = None  # only neopixel's own reference counts
import neopixel

neopixel.bitstream = lambda pin, encoding, timing, data: wire.append(bytes(data))

leds = rgb.leds()
assert rgb.leds() is leds
n = board.LED_COUNT
assert leds.n == len(leds) == n
assert wire == [bytes(3 * n)], "LEDs must be blanked when they are first used"

leds.fill((0, 20, 0))
assert len(wire) == 1, "fill must not send"
leds.brightness(1.0)
leds.write()
assert wire[-1] == bytes((20, 0, 0)) * n

leds[1] = (300, -5, 1.5)
assert leds[1] == (255, 0, 1)
assert leds[0] == (0, 20, 0)
leds.write()
assert wire[-1] == bytes((20, 0, 0, 0, 255, 1)) + bytes((20, 0, 0)) * (n - 2)

# Dimmed, a colour keeps its channels: 1 does not become 0.
leds.brightness(0.1)
leds.fill((255, 1, 0))
leds.write()
assert wire[-1][:3] == bytes((1, 26, 0)), wire[-1]
leds.brightness(0)
leds.write()
assert wire[-1] == bytes(3 * n)

# Only 0 is dark.
leds.brightness(0.001)
leds.write()
assert wire[-1][:3] == bytes((1, 1, 0)), wire[-1]
for wrong in (-0.1, 1.1):
    try:
        leds.brightness(wrong)
        assert False
    except ValueError as error:
        assert "0.0 to 1.0" in str(error)

columns, rows = board.LED_COLUMNS, n // board.LED_COLUMNS
places = [leds.xy(x, y) for y in range(rows) for x in range(columns)]
assert sorted(places) == list(range(n))
for place in ((columns, 0), (0, rows), (-1, 0), (0, -1)):
    try:
        leds.xy(*place)
        assert False
    except IndexError:
        pass

# Whatever is drawn, the LEDs take no more than the supply gives: 20 mA for a channel of 255.
for brightness in (board.LED_BRIGHTNESS / 100, 0.5, 1.0):
    for colour in ((255, 255, 255), (255, 0, 0), (1, 2, 3)):
        leds.brightness(brightness)
        leds.fill(colour)
        leds.write()
        wanted = sum(colour) * n * brightness * 20 / 255
        current = sum(wire[-1]) * 20 / 255
        rounded = 6 * n * 20 / 255
        if wanted < board.LED_MAX_CURRENT - rounded:
            assert abs(current - wanted) < rounded, (brightness, colour, current)
        else:
            assert board.LED_MAX_CURRENT - rounded < current <= board.LED_MAX_CURRENT
print("ok")
