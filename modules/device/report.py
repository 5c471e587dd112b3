"""What the board tells of itself: that it is there, and counters on request."""

import gc
import json
import machine
import time
import version

SUBTOPIC = b"/stats"  # of the status topic


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
    """The part that says `online` on the status topic, and answers `stats`.

    `link.stop()` says `offline`; after a lost connection the broker does, by the last will.
    """

    def __init__(self, link, settings, bad_boots):
        """`settings` is what platforms.resolve() returned."""
        self._link = link
        self._bad_boots = bad_boots
        self._obeys = settings["mode"] == "lights"  # else the command topic is for echoes
        self._uptime = 0  # ms; ticks_ms wraps after 12 days
        self._last_step = time.ticks_ms()

    def filters(self):
        return ((self._link.topics["command"], self._answer, 1),) if self._obeys else ()

    def online(self):
        if self._link.topics["status"]:
            self._link.publish(self._link.topics["status"], b"online", retain=True, qos=1)

    def step(self, now):
        self._uptime += time.ticks_diff(now, self._last_step)
        self._last_step = now

    def _answer(self, topic, message):
        if not is_command(message, b"stats"):
            return
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
