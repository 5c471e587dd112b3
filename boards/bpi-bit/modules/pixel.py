"""BPI:bit's names for the 25 LEDs. They lead to the one object that owns them, `rgb.leds()`."""

from _frozen import board, rgb
from machine import Pin


def PixelPower(on):
    """Switch the LEDs' supply, where the board has a switch (revision 1.2)."""
    Pin("RGB_POWER", Pin.OUT, value=1 if on else 0)


class Pixel:
    """The LEDs as `Pixel()[index] = (red, green, blue)`, or by column and row."""

    def __init__(self):
        self._leds = rgb.leds()
        self.Min = 0
        self.Max = board.LED_COLUMNS
        self.Sum = self.n = self._leds.n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self._leds[index]

    def __setitem__(self, index, colour):
        self._leds[index] = colour

    def fill(self, colour):
        """Give all LEDs one colour; `Show` shows it."""
        self._leds.fill(colour)

    def LoadXY(self, X, Y, RGB, isSoftWare=True):
        """Colour the LED in column X from the left, row Y from the top; none outside.

        Without `isSoftWare`, Y is the column from the right and X the row from the top, as the
        LEDs' numbers run.
        """
        if not isSoftWare:
            X, Y = self.Max - 1 - Y, X
        if 0 <= X < self.Max and 0 <= Y < self.Max:
            self._leds[self._leds.xy(int(X), int(Y))] = RGB

    def LoadPos(self, Pos, RGB):
        """Colour the LED with the number Pos; none outside 0 to 24."""
        if 0 <= Pos < self.n:
            self._leds[Pos] = RGB

    def Show(self):
        """Send the colours to the LEDs."""
        self._leds.write()

    write = Show
