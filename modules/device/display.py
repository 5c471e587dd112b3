"""Texts on the board's display: what comes on `topics.display`."""

from micropython import const

_MAX_LETTERS = const(128)  # as many as mPython's display holds


def make(link, lamp):
    """Return the part, or None on a board without a display that answers. Blocks for 25 ms."""
    try:
        from text_screen import Screen  # of boards that have a display
    except ImportError:
        return None
    screen = Screen(lamp)
    return Display(link, screen) if screen.is_there() else None


class Display:
    """The part that shows them; on the BPI:bit, whose display is the lamp, in place of the lamp."""

    has = ("display",)

    def __init__(self, link, screen):
        self._link = link
        self._screen = screen

    def describe(self, settings):
        return ("display",)

    def filters(self):
        return ((self._link.topics["display"], self._show, 1),)

    def _show(self, topic, message):
        try:
            self._screen.show(message.decode()[:_MAX_LETTERS])
        except UnicodeError:
            print("display: the text is not UTF-8; it is not shown")
