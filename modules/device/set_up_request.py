"""Button B was held: the wish for set-up, kept in the RTC's memory over the reset that begins it.

After a reset nothing of the device or of a person's handlers is left running: no timer, no socket, no
radio. The mark stands behind what is in that memory already, bad_boots.py's or a program's own.
"""

import machine

_MARK = b" set-up"


def make():
    """Reset the board into set-up."""
    memory = machine.RTC()
    memory.memory(memory.memory() + _MARK)
    machine.reset()


def take():
    """Return whether set-up is wished for, once."""
    memory = machine.RTC()
    kept = memory.memory()
    if not kept.endswith(_MARK):
        return False
    memory.memory(kept[: -len(_MARK)])
    return True
