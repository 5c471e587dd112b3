"""The firmware's own program: the link, the indicator and a list of parts, joined.

A part is an object with some of

filters()   the (topic filter, handler(topic, message), qos) that it wants; asked when it is added
online()    called after each CONNACK, and when Home Assistant starts if it is told of the board
step(now)   called on each loop with ticks_ms; never blocks
has         the names of what it has beyond the lamp, for info.py
describe(homeassistant)   the keys in components.py of what this board has of it, a list or tuple; asked
            after each CONNACK, with that section of the settings, if Home Assistant is told of the board

To add one: its file, its keys in rules.py, a line in `_make_parts`.
"""

import device
import machine
import os
import rgb
import time
from micropython import const

from . import imports
from .link import WIFI, Link
from .indicator import Indicator
from .lamp import Lamp
from .report import Report
from .bad_boots import BadBoots

HANDLERS = "/handlers.py"

_SET_UP_HOLD = const(3000)  # ms of button B


def _is_file(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


class Device:
    """The running board. `settings` is what platforms.resolve() returned.

    is_on_trial: whether the firmware must prove itself, see update/trial.py.
    The constructor raises ValueError, in words for people, if `mqtt.tls.ca` names no certificate.
    """

    def __init__(self, settings, is_on_trial=False):
        self.link = Link(settings, self._online, self._before_reset)
        self.leds = rgb.leds()
        self.lamp = Lamp(self.link, settings, self.leds)
        self.bad_boots = BadBoots(self.link)
        self._indicator = Indicator(self.leds, self.link, settings)
        self._updates = None
        self._button = machine.Pin("BUTTON_B", machine.Pin.IN, machine.Pin.PULL_UP)
        self._up_time = time.ticks_ms()  # when the button was last seen up, or Wi-Fi there
        self._label = settings["label"]
        self._groups = settings["topics"]["groups"]
        self._parts = []
        self._steps = []
        for part in self._make_parts(settings, is_on_trial):
            self._add(part)

    def _make_parts(self, settings, is_on_trial):
        # What this board does not need is not imported: a module takes about 0.5 KB of heap.
        report = Report(self.link, settings, self.bad_boots)
        parts = [self.bad_boots, report, self.lamp, self._indicator]
        homeassistant = settings["homeassistant"]
        topics = settings["topics"]
        if topics.get("button"):
            from .buttons import Buttons

            parts.append(Buttons(self.link))
        if topics.get("touch") or topics.get("motion") or topics.get("sensors"):
            from . import sensors

            parts.extend(sensors.make(self.link, settings))
            imports.forget("sensors")
        if topics.get("display"):
            from . import display

            part = display.make(self.link, self.lamp)
            if part is not None:
                parts.append(part)
        if self._groups:
            from .groups import Groups

            parts.append(Groups(self.link, self._groups, self.lamp, self._indicator, report))
        if is_on_trial or settings["topics"]["update"]:
            from .update import Updates

            self._updates = Updates(self.link, settings, self._indicator, is_on_trial)
            parts.append(self._updates)
        if homeassistant != "":  # which is said of nothing; false takes back what was told
            from .discovery import Discovery

            parts.insert(0, Discovery(self.link, settings, parts[:], self._tell))
        if settings["mode"] == "echo":
            from .echo import Echo

            parts.append(Echo(self.link))
        elif settings["restore"] and settings["retain"] and settings["topics"]["state"]:
            from .restore import Restore

            parts.append(Restore(self.link, self.lamp, self._end_restore))
        return parts

    def _add(self, part):
        self._parts.append(part)
        if hasattr(part, "filters"):
            for topic_filter, handler, qos in part.filters():
                self.link.on(topic_filter, handler, qos)
        if hasattr(part, "step"):
            self._steps.append(part.step)

    def _online(self):
        self._tell(self._parts)
        topic = self.link.topics["info"]
        if topic:
            from . import info

            address = self.link.wifi.address()
            message = info.message(self._label, self._groups, address, self._parts)
            self.link.publish(topic, message, retain=True, qos=1)
            imports.forget("info")

    @staticmethod
    def _tell(parts):
        for part in parts:
            if hasattr(part, "online"):
                part.online()

    def _end_restore(self, part):
        self._parts.remove(part)
        self._steps = [part.step for part in self._parts if hasattr(part, "step")]
        imports.forget("restore")

    def _before_reset(self):
        self.bad_boots.add_cut_off()

    def _start(self):
        device._start(self)
        self.leds.fill((0, 0, 0))
        self._indicator.show(WIFI)
        self.link.join()
        if _is_file(HANDLERS) and not self.bad_boots.are_too_many():
            from .handlers import UserHandlers

            handlers = UserHandlers(self.link, HANDLERS)
            handlers.load()
            self._add(handlers)
        self.link.connect()

    def _watch_button(self, state, now):
        # A person who holds it while Wi-Fi is missing has moved, or has another password.
        if state is not WIFI or self._button.value():
            self._up_time = now
        elif time.ticks_diff(now, self._up_time) >= _SET_UP_HOLD:
            from . import set_up_request

            print("boot: button B was held; resetting the board into set-up")
            set_up_request.make()

    def run(self, watchdog):
        """Switch the radio on, load the user's handlers, and run forever.

        `watchdog.step()` is called after each step. KeyboardInterrupt ends the program with a
        goodbye to the broker.
        """
        try:
            self._start()
            while True:
                state = self.link.step()
                self.link.watch(state)
                self._indicator.show(state, self.lamp.is_on())
                now = time.ticks_ms()
                self._watch_button(state, now)
                for step in self._steps:
                    step(now)
                watchdog.step()
        finally:
            if self._updates is not None:
                self._updates.stop()
            self.link.stop()
