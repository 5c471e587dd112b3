"""What the board runs after power-on: frozen as main.py, which the port prefers to the file.

Safe mode if button A goes down in the first second; set-up if button B is down at its end, or was
held before the reset; else the user's /main.py, else the firmware's own program, and set-up if its
configuration cannot be used. Ctrl-C leads to the prompt from all of them, or to set-up if it was part
of a request by an Improv client; if set-up or the firmware's own program fails, the board is reset.
"""

# What /boot.py has left: /main.py goes on with it, as on a stock image.
_boots_names = globals().copy()

import sys

# No file on the user's disk may stop what follows: see modules/device/imports.py. `sys` itself is
# built in and never looked for on a disk (py/modsys.c).
_as_found = sys.path, sys.modules.copy()
try:
    sys.path = [".frozen"]
    sys.modules.clear()

    from device import imports

    # First: what is built in, and loaded already, is not loaded again.
    imports.begin(*_as_found)

    import machine
    import micropython
    import select
    from device import slot
    from micropython import const

    # How long a firmware on trial has until its program runs; and a person at the prompt, until
    # the board goes back to the earlier firmware. Milliseconds.
    _START_TIME = const(20000)
    _PROMPT_TIME = const(360000)

    _is_on_trial = slot.is_on_trial()
    if _is_on_trial:
        # From here on whatever fails or hangs leads back: a failed import, too, which ends at the
        # prompt. See docs/update.md.
        machine.WDT(timeout=_START_TIME)
    del slot

    import board
    import os
    import rgb
    import time
    import version
except KeyboardInterrupt:  # the prompt finds all as it was
    sys.path = _as_found[0]
    sys.modules.clear()
    sys.modules.update(_as_found[1])
    raise

# Counted from when the LEDs light up: before that the ROM loader owns GPIO0. Milliseconds.
_WINDOW = const(1000)

# How long a person has to read why the program has failed, or to type Ctrl-C. Milliseconds.
_READING_TIME = const(10000)

# With what each packet of Improv Wi-Fi begins, before the first byte that Ctrl-C is.
_IMPROV = b"IMPROV\x01"

_BOOT_COLOUR = (255, 255, 255)
# The board waits for a person.
_PROBLEM_COLOUR = (255, 0, 0)


def is_button_a_pressed():
    """Return whether button A goes down in the first second; blocks until that is known.

    Nothing else is done meanwhile: the search for access points would look away for 2.4 s.
    """
    opened = time.ticks_ms()
    button = machine.Pin("BUTTON_A", machine.Pin.IN)
    while button.value():
        if time.ticks_diff(time.ticks_ms(), opened) >= _WINDOW:
            return False
        time.sleep_ms(10)
    return True


def is_button_b_down():
    return not machine.Pin("BUTTON_B", machine.Pin.IN, machine.Pin.PULL_UP).value()


def take_set_up_request():
    """Return what set_up_request.take() does."""
    from device import set_up_request

    request = set_up_request.take()
    imports.forget("set_up_request")
    return request


def has_client_called():
    """Return whether Ctrl-C came in a request by an Improv client; from then on it is a character.

    What was sent before it is still there to be read. Of anything else one byte is lost: tools begin
    with a carriage return, and what they send after their Ctrl-C is for the prompt.
    """
    micropython.kbd_intr(-1)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN)
    for byte in _IMPROV:
        if not poller.poll(0) or sys.stdin.buffer.read(1) != bytes((byte,)):
            micropython.kbd_intr(3)
            return False
    return True


def show_problem():
    leds = rgb.leds()
    leds.fill((0, 0, 0))
    leds.cover(_PROBLEM_COLOUR)
    leds.write()


def is_still_on_trial():
    """Return whether the firmware was on trial and has not been kept since."""
    if not _is_on_trial:
        return False
    from device import slot

    return slot.is_on_trial()


def go_back(reason):
    """Reset a board on trial in ten seconds, which leads back to the earlier firmware."""
    from device import slot

    slot.note(reason)
    print("update: %s; going back to the earlier firmware in 10 s" % reason)
    time.sleep_ms(_READING_TIME)
    machine.reset()


def give_prompt():
    """Let a person at the prompt of a board that is still on trial work there for a while."""
    if is_still_on_trial():
        print("update: this firmware is on trial; in 6 min the board goes back to the earlier one")
        machine.WDT(timeout=_PROMPT_TIME)


def run_user_program():
    leds = rgb.leds()
    leds.fill((0, 0, 0))
    leds.write()
    if _is_on_trial:
        from device import slot

        # We cannot judge the user's program. Without a watchdog it begins after one more reset.
        slot.keep()
        machine.reset()
    # A program of its own, in a namespace without ours, as if it were main.py on a stock image:
    # when it ends, its names are at hand at the prompt.
    names = _boots_names
    names["__file__"] = "/main.py"
    imports.give_to_user()
    try:
        execfile("/main.py", names)
    except KeyboardInterrupt:
        if has_client_called():
            reset_into_set_up()
        stop()
    except Exception:
        show_problem()
        raise
    finally:
        globals().update(names)


def reset_into_set_up():
    """Reset a board on which the user's program has run: it may have left anything behind."""
    sys.path = [".frozen"]
    sys.modules.clear()
    from device import set_up_request

    print("boot: stopped by an Improv client; resetting the board into set-up")
    set_up_request.make(is_called=True)


def load_settings():
    """Return what /config.json asks for, all filled in; {} if it cannot be used."""
    from device import config, platforms

    settings, problems = config.load(board.NAME, machine.unique_id().hex())
    for problem in problems:
        print("config: " + problem)
    return platforms.resolve(settings) if settings else {}


def make_device():
    """Return the program.Device that /config.json asks for; None if it cannot be."""
    settings = load_settings()
    if not settings:
        return None
    imports.forget("config", "kinds", "platforms", "rules", "slot")  # 5 KB of heap
    from device import program

    try:
        return program.Device(settings, _is_on_trial)
    except ValueError as error:
        print("config: %s" % error)
        return None


def run_device():
    firmware = make_device()
    if firmware is None:
        if _is_on_trial:
            show_problem()
            go_back("%s does not take the configuration" % version.VERSION)
        run_set_up()
        return
    run_watched(firmware.run, firmware.bad_boots.add_failure)


def run_set_up(is_called=False):
    from device.setup import program

    try:
        run_watched(program.Setup(is_called).run)
    except KeyboardInterrupt:
        stop()


def run_watched(run, note_failure=None):
    """Call run(watchdog); reset the board if it fails."""
    from device.watchdog import Watchdog

    watchdog = Watchdog()
    try:
        run_or_reset(run, watchdog, note_failure)
    except BaseException:  # a person, with Ctrl-C, also while a failure is being read
        if not is_still_on_trial():
            watchdog.rest()
        raise


def run_or_reset(run, watchdog, note_failure):
    try:
        run(watchdog)
    except Exception as error:
        # Mostly there was no memory left. Nobody may be here to reset the board.
        sys.print_exception(error)
        if is_still_on_trial():
            go_back("the program of %s has failed" % version.VERSION)
        if note_failure is not None:
            note_failure()
        print("boot: the program has failed; resetting the board in 10 s")
        time.sleep_ms(_READING_TIME)
        machine.reset()


def stop():
    print("boot: stopped by Ctrl-C")
    give_prompt()


def boot():
    try:
        print("boot: %s %s" % (board.NAME, version.VERSION))
        if machine.reset_cause() == machine.WDT_RESET:
            print("boot: the program had stopped; the watchdog has reset the board")
        request = take_set_up_request()
        leds = rgb.leds()
        leds[0] = _BOOT_COLOUR
        leds.write()
        if not request and is_button_a_pressed():
            leds.fill((0, 0, 0))
            leds.write()
            print("boot: safe mode, because button A is down; no program was started")
            give_prompt()
        elif request is not None or is_button_b_down():
            leds.fill((0, 0, 0))
            run_set_up(is_called=bool(request))
        elif "main.py" in os.listdir("/"):
            run_user_program()
        else:
            run_device()
    except KeyboardInterrupt:
        if has_client_called():
            print("boot: stopped by an Improv client")
            run_set_up(is_called=True)
        else:
            stop()
    finally:
        imports.give_to_user()


boot()
