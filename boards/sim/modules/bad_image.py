"""A firmware that fails, as the boot loader has found one in the slot: SIM_BAD names how.

What is broken here a new version could have broken; everything else runs as it is.
"""

import _sim


def _fail(*_, **__):
    raise RuntimeError("this image is bad")


def _hang(*_, **__):
    while True:
        pass


def play(how):
    """Break what `how` says, before the firmware starts."""
    if how == "panic":
        print("Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.")
        _sim.restart("hard")  # as machine.reset_cause() has it on the chip
    elif how == "exception":
        import rgb

        rgb.RGB.write = _fail
    elif how == "hang":
        import machine, network

        network.WLAN.active = _hang
        # Time runs faster for a watchdog that would wait for minutes.
        feed = _sim.watchdog_feed
        machine.WDT.feed = lambda self: feed(machine.WDT._timeout // 100)
    elif how == "nowifi":
        import network

        network.WLAN.connect = lambda *_, **__: None
    elif how == "badconfig":
        from device import config

        config.load = lambda *_: ({}, ["this image does not accept the file"])
    else:
        raise ValueError("SIM_BAD=" + how)
