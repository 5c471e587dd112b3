"""What a board tells of updates: docs/update.md, "State" and "Result"."""

import board
import json
import machine
import version
from micropython import const

from .. import slot
from . import image

# An offer comes to all boards of its kind at once. Each shows it in its own part of this. Milliseconds.
_OFFER_SPREAD = const(300)


def tell_state(updates, percent=None):
    """Publish what Home Assistant reads; `percent` while an update is under way."""
    if not updates.topic:
        return
    state = {
        "installed_version": version.VERSION,
        "latest_version": updates.latest or version.VERSION,
        "in_progress": percent is not None,
        "update_percentage": percent,
    }
    updates.link.publish(updates.topic + b"/state", json.dumps(state), True, 1)


def show_offer(updates):
    """Tell the state when its time has come after an offer; return whether it has."""
    import timers  # not where slots are tried without a device
    from ..link import own_part

    if not timers.elapsed(updates.offered_at, own_part(_OFFER_SPREAD)):
        return False
    updates.offered_at = None
    if updates.work is None:  # which tells the state itself
        tell_state(updates)
    return True


def tell_result(updates, state, command=None, percent=None, code="", reason=""):
    """Publish what has become of `command`, a manifest.Command, so far."""
    new = version.VERSION
    earlier = ""
    if command is not None and command.version:
        new, earlier = command.version, version.VERSION
    tell(updates, state, command.id if command else "", new, earlier, percent, code, reason)


def tell(updates, state, identifier, new, earlier, percent=None, code="", reason=""):
    """Publish a result of these values."""
    if not updates.topic:
        return
    result = {
        "id": identifier,
        "board": board.NAME,
        "state": state,
        "version": new,
        "from": earlier,
        "percent": percent,
        "reason": reason,
        "code": code,
    }
    updates.link.publish(updates.topic + b"/result", json.dumps(result), True, 1)


def introduce(updates):
    """After CONNACK: tell the state, and after the start what became of the last update."""
    if updates.work is None:
        tell_state(updates)
    if not updates.is_introduced:
        updates.is_introduced = True
        if updates.work is None:
            _tell_verdict(updates)


def _tell_verdict(updates):
    wanted = slot.wanted()
    if wanted is not None and wanted[1] == slot.label(slot.running()):
        slot.forget()  # the power went just after it was kept
        tell(updates, "kept", wanted[0], version.VERSION, "")
    elif wanted is not None or slot.has_fallen_back():
        _tell_fall(updates, wanted)
    else:
        tell_result(updates, "idle")


def _tell_fall(updates, wanted):
    identifier = ""
    other = slot.other()
    new = image.version(slot.head(other, image.HEAD)) if other is not None else ""
    if wanted is not None:
        identifier, _, _, new = wanted
    reason = slot.last_words()
    if not reason:
        reason = _reason()
        slot.note(reason)  # the next reset will have another cause
    print("update: %s fell back to %s: %s" % (new, version.VERSION, reason))
    tell(updates, "fell_back", identifier, new, version.VERSION, None, "fell_back", reason)


def _reason():
    # The trial itself has left no word: what has reset the board tells.
    if not slot.has_fallen_back():
        return "it was interrupted before the restart"
    cause = machine.reset_cause()
    if cause == machine.WDT_RESET:
        return "the program stopped, and the watchdog reset it"
    if cause == machine.PWRON_RESET:
        return "power was cut, or too weak for the radio, during the trial; use another cable"
    return "it failed, or reset was pressed during the trial; see the serial port"


def fallen_sha256():
    """Return the sha256 of the image that fell back here; "" if none did, or it is not known."""
    wanted = slot.wanted()
    return wanted[2] if wanted is not None and wanted[1] != slot.label(slot.running()) else ""
