"""What the board runs after power-on: frozen as main.py, which the port prefers to the file.

Safe mode if button A goes down in the first second, else the user's /main.py, else the firmware's
own program. Ctrl-C leads to the prompt from all of them.
"""

import board
import machine
import os
import rgb
import time
import version
from micropython import const

# Counted from when the LEDs light up: before that the ROM loader owns GPIO0. Milliseconds.
_WINDOW = const(1000)

_BOOT_COLOUR = (255, 255, 255)


class SafeMode(Exception):
    pass


class Window:
    """The second in which button A stops the boot."""

    def __init__(self):
        self._button = machine.Pin(board.BUTTON_A_PIN, machine.Pin.IN)
        self._opened = time.ticks_ms()

    def check(self):
        """Return whether the second is still running; raise SafeMode if the button is down."""
        if time.ticks_diff(time.ticks_ms(), self._opened) >= _WINDOW:
            return False
        if self._button.value() == 0:
            raise SafeMode
        return True


def run_user_program():
    # A program of its own, in a namespace of its own, as if it were main.py on a stock image.
    execfile("/main.py", {"__name__": "__main__", "__file__": "/main.py"})


def run_device(window):
    import config
    import device
    import platforms

    settings, problems = config.load(board.NAME, device.unique_id())
    if problems:
        for problem in problems:
            print("config: " + problem)
        device.show_error(rgb.leds())
        return
    firmware = device.Device(platforms.resolve(settings))
    firmware.start()
    while window.check():  # the network is joined meanwhile
        firmware.step()
    firmware.run()


def boot():
    print("boot: %s %s" % (board.NAME, version.VERSION))
    leds = rgb.leds()
    leds[0] = _BOOT_COLOUR
    leds.write()
    window = Window()
    try:
        try:
            os.stat("/main.py")
        except OSError:
            run_device(window)
        else:
            while window.check():
                time.sleep_ms(10)
            leds.fill((0, 0, 0))
            leds.write()
            run_user_program()
    except SafeMode:
        print("boot: safe mode, because button A is down; nothing was started")
    except KeyboardInterrupt:
        print("boot: stopped by Ctrl-C")


boot()
