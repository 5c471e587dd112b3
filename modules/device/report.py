"""What the board tells of itself: that it is there, and counters on request."""

import gc
import json
import machine
import time
import version
from micropython import const

SUBTOPIC = b"/stats"  # of the status topic

_EVERY = const(60)  # s between two stats that Home Assistant gets
_FIRST = const(4000)  # ms from CONNACK: by then Home Assistant listens, and the state is told

# Of machine.reset_cause(). A brown-out reads as power-on (ports/esp32/modmachine.c).
_RESET_CAUSES = {
    machine.PWRON_RESET: "power",
    machine.HARD_RESET: "reset",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "sleep",
    machine.SOFT_RESET: "soft reset",
}


def is_command(message, *commands):
    """Return whether a message (bytes) is one of some short commands (bytes), in any case."""
    return len(message) < 16 and message.strip().lower() in commands


class Report:
    """The part that says `online` on the status topic, tells `stats` when asked or when it is
    time, and restarts the board on the command `restart`.

    `link.stop()` says `offline`; after a lost connection the broker does, by the last will.
    """

    def __init__(self, link, settings, bad_boots):
        """`settings` is what platforms.resolve() returned."""
        self._link = link
        self._bad_boots = bad_boots
        self._obeys = settings["mode"] == "lights"  # else the command topic is for echoes
        self._uptime = 0  # ms; ticks_ms wraps after 12 days
        self._last_step = time.ticks_ms()
        every = settings["telemetry"]["stats"] or (_EVERY if settings["homeassistant"] else 0)
        self._period = every * 1000  # ms between two stats; 0: only on request
        self._left = 0  # ms until the next
        self._is_restarting = False

    def filters(self):
        return ((self._link.topics["command"], self.answer, 1),) if self._obeys else ()

    def online(self):
        if self._link.topics["status"]:
            self._link.publish(self._link.topics["status"], b"online", retain=True, qos=1)
        self._left = min(self._period, _FIRST)

    def step(self, now):
        since = time.ticks_diff(now, self._last_step)
        self._uptime += since
        self._last_step = now
        if self._is_restarting:
            self._link.stop()
            machine.reset()
        if self._period:
            self._left -= since
            if self._left <= 0:
                self._left = self._period
                if self._link.is_online():
                    self.tell_stats()

    def answer(self, topic, message):
        """Obey the commands `stats` and `restart`."""
        if is_command(message, b"stats"):
            self.tell_stats()
        elif is_command(message, b"restart"):
            if self._link.is_retained:  # it would come again after each start
                print("mqtt: a retained restart is not obeyed; publish it without retain")
            else:
                self.restart()

    def restart(self):
        """Restart the board in the next step: a command is not acknowledged before, and would come
        again."""
        self._is_restarting = True

    def tell_stats(self):
        """Publish them, if there is a topic for them."""
        status = self._link.topics["status"]
        if status:
            self._link.publish(status + SUBTOPIC, json.dumps(self._stats()))
        else:
            print("stats: they go to a topic below topics.status, and there is none")

    def _stats(self):
        gc.collect()
        wifi = self._link.wifi
        rssi, channel, bssid = wifi.signal() or (None, None, None)
        stats = {
            "version": version.VERSION,
            "reset": _RESET_CAUSES.get(machine.reset_cause(), "unknown"),
            "uptime": self._uptime // 1000,
            "address": wifi.address(),
            "rssi": rssi,
            "channel": channel,
            "bssid": bssid,
            "wifi_losses": wifi.losses,
            "rejoins": self._link.rejoins,
            "heap_used": gc.mem_alloc(),
            "heap_free": gc.mem_free(),
            "errors": self._link.errors,
            "resets": self._bad_boots.resets(),  # behind heap_used, which it would add to
        }
        stats.update(self._link.client.counters)
        return stats
