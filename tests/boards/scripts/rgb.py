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
assert leds.n == len(leds) == board.LED_COUNT == 3
assert wire == [bytes(9)], "LEDs must be blanked when they are first used"

leds.fill((0, 20, 0))
assert len(wire) == 1, "fill must not send"
leds.brightness(1.0)
leds.write()
assert wire[-1] == bytes((20, 0, 0)) * 3

leds[1] = (300, -5, 1.5)
assert leds[1] == (255, 0, 1)
assert leds[0] == (0, 20, 0)
leds.write()
assert wire[-1] == bytes((20, 0, 0, 0, 255, 1, 20, 0, 0))

# Dimmed, a colour keeps its channels: 1 does not become 0.
leds.brightness(0.1)
leds.fill((255, 1, 0))
leds.write()
assert wire[-1][:3] == bytes((1, 26, 0)), wire[-1]
leds.brightness(0)
leds.write()
assert wire[-1] == bytes(9)
for wrong in (-0.1, 1.1):
    try:
        leds.brightness(wrong)
        assert False
    except ValueError as error:
        assert "0.0 to 1.0" in str(error)

assert [leds.xy(x, 0) for x in range(3)] == [0, 1, 2]
for place in ((3, 0), (0, 1), (-1, 0)):
    try:
        leds.xy(*place)
        assert False
    except IndexError:
        pass
print("ok")
