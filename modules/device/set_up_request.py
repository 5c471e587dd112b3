"""The wish for set-up, kept in the RTC's memory over the reset that begins it.

After a reset nothing of the device or of a person's program is left running: no timer, no socket, no
radio. The mark stands behind what is in that memory already, bad_boots.py's or a program's own.
"""

import machine

_BUTTON = b" set-up"  # it was held
_CLIENT = b" improv"  # of Improv, on the serial line


def make(is_called=False):
    """Reset the board into set-up, for a person at the button or because an Improv client has called."""
    memory = machine.RTC()
    memory.memory(memory.memory() + (_CLIENT if is_called else _BUTTON))
    machine.reset()


def take():
    """Return None if nobody wishes for set-up, else what `is_called` was; once."""
    memory = machine.RTC()
    kept = memory.memory()
    for mark in (_BUTTON, _CLIENT):
        if kept.endswith(mark):
            memory.memory(kept[: -len(mark)])
            return mark == _CLIENT
    return None
