"""The states of set-up, what ends each, and what the board says in it.

searching -> open <-> trying -> done -> reset
              |  10 minutes
             closed -> open again by button B
"""

import board
import gc
import json
import machine
import time
import version
from micropython import const

from . import form
from . import http
from . import radio
from .dns import NameServer
from .lights import Lights

_SLICE = const(20)  # ms that a step waits for the network at most

_OPEN_TIME = const(600000)  # ms without use until the access point closes
# The answer must reach the phone before the radio looks elsewhere.
_PAUSE = const(1000)
# The phone may ask how it went for so long, or for so long once it knows.
_DONE_TIME = const(15000)
_TOLD_TIME = const(4000)
_HOLD = const(1000)  # ms of button B that open a closed access point again
_FAILED_TIME = const(1500)  # ms that the light says so: three times red

# Nobody may guess the password of another's network here.
_MAX_FAILURES = const(5)
_LOCK_TIME = const(30000)

# What each system wants to hear before it says that there is internet, by host or path. Sent once the
# board is done, so that the phone's sheet can be closed without leaving the network.
_SUCCESS = (
    (
        b"captive.apple.com",
        b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
    ),
    (b"www.apple.com", b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    (b"www.msftconnecttest.com", b"Microsoft Connect Test"),
    (b"www.msftncsi.com", b"Microsoft NCSI"),
    (b"detectportal.firefox.com", b"success\n"),
    (b"/nm", b"NetworkManager is online\n"),
    (b"nmcheck.gnome.org", b"NetworkManager is online\n"),
)
_FIREFOX_PAGE = (
    b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
)


def _make_screen():
    try:
        from setup_screen import Screen  # of boards that have a display
    except ImportError:
        return None
    return Screen()


class Setup:
    """Set-up from its start to the reset; `run` is the loop."""

    def __init__(self):
        self._id = machine.unique_id()
        self._lights = Lights()
        self._screen = _make_screen()
        self._button = machine.Pin("BUTTON_B", machine.Pin.IN, machine.Pin.PULL_UP)
        self._button_since = None  # ticks_ms since when it is down
        self._access_point = radio.AccessPoint(board.NAME, self._id)
        self._station = radio.Station()
        self._server = None
        self._names = None
        self._networks = []
        self._proposal = None  # values that the page has sent; the file's until then
        self._state = "open"
        self._state_begin = self._last_use = time.ticks_ms()
        self._has_guest = False
        self._reason = ""  # why the last try has failed
        self._failures = 0
        self._has_begun = False  # the try
        self._address = ""
        self._told = None  # ticks_ms when the page has heard that it worked
        self._search_at = None  # ticks_ms of the next search
        self._was_short = False  # of memory

    # Life -----------------------------------------------------------------------------

    def run(self, watchdog):
        """Run until the board is reset. `watchdog.step()` is called after each step."""
        try:
            self.start()
            while True:
                self._step_safely()
                watchdog.step()
        finally:
            self.close()

    def _step_safely(self):
        try:
            self.step()
        except MemoryError:
            if self._was_short:
                raise
            self._was_short = True
            self._server.drop_all()

    def start(self):
        """Search for networks, then open the access point and the servers. Blocks for 3 s."""
        print("setup: looking for networks")
        self._lights.show("searching")
        if self._screen:
            self._screen.show("looking for", "networks")
        self._access_point.configure()
        self._networks = self._station.search()
        gc.collect()
        self._server = http.Server(self._answer, radio.is_guest)
        self._names = NameServer(radio.ADDRESS, radio.is_guest)
        self._server.watch(self._names.socket)
        self._open()

    def _open(self):
        self._access_point.open()
        key = self._access_point.key
        print(
            'setup: join the network "%s", key %s %s, then http://%s'
            % (self._access_point.name, key[:5], key[5:], radio.ADDRESS)
        )
        self._last_use = time.ticks_ms()
        self._enter("open")

    def close(self):
        """Switch the radio off, and leave light and display dark. Set-up cannot go on after it."""
        parts = self._server, self._names, self._access_point, self._station, self._screen
        for part in parts + (self._lights,):
            if part:
                part.close()

    def _enter(self, state):
        self._state = state
        self._state_begin = time.ticks_ms()
        self._show()

    def _show(self):
        # What light and display say now.
        state = self._state
        if state == "open":
            state = "guest" if self._has_guest else "open"
            if self._reason and time.ticks_diff(time.ticks_ms(), self._state_begin) < _FAILED_TIME:
                state = "failed"
        self._lights.show(state)
        screen = self._screen
        if not screen:
            return
        if state == "open":
            screen.invite(self._access_point.name, self._access_point.key, radio.ADDRESS)
        elif state == "guest":
            screen.show("open", "http://", radio.ADDRESS)
        elif state == "trying":
            screen.show("trying", form.first_network(self._proposal)["wifi"]["ssid"])
        elif state == "failed":
            screen.show("no success", "see the page")
        elif state == "done":
            screen.show("done", self._address)
        elif state == "closed":
            screen.show("press B")

    def step(self):
        """Do what is due. Blocks 50 ms at most, but for a search (2.4 s) and the radio's start."""
        self._server.step(_SLICE)
        self._names.step()
        now = time.ticks_ms()
        passed = time.ticks_diff(now, self._state_begin)
        if self._state == "open":
            self._step_open(now, passed)
        elif self._state == "trying":
            self._step_trying(passed)
        elif self._state == "done":
            self._step_done(now, passed)
        else:
            self._step_closed(now)
        self._lights.step()
        if self._screen:
            self._screen.step()

    # The states -----------------------------------------------------------------------

    def _step_open(self, now, passed):
        has_guest = self._access_point.has_guest()
        if has_guest != self._has_guest:
            self._has_guest = has_guest
            if has_guest:
                print("setup: somebody has joined")
            self._show()
        elif self._reason and _FAILED_TIME <= passed < 2 * _FAILED_TIME:
            self._show()
        if self._search_at is not None and time.ticks_diff(now, self._search_at) >= 0:
            self._search_at = None
            self._networks = self._station.search()
            gc.collect()
        if time.ticks_diff(now, self._last_use) >= _OPEN_TIME:
            print("setup: closed after 10 minutes; press B or reset")
            self._server.drop_all()
            self._access_point.close()
            self._has_guest = False
            self._enter("closed")

    def _step_trying(self, passed):
        if not self._has_begun:
            if passed < _PAUSE:
                return
            self._has_begun = True
            wifi = form.first_network(self._proposal)["wifi"]
            print('setup: trying "%s"' % wifi["ssid"])
            name = form.hostname(self._proposal, board.NAME, self._id.hex())
            self._station.begin(wifi["ssid"], wifi.get("password", ""), name)
        reason = self._station.step()
        if reason is None:
            return
        if reason:
            self._station.end()
            self._failures += 1
            self._fail(reason)
        else:
            self._address = self._station.address()
            self._save()

    def _fail(self, reason):
        print("setup: " + reason)
        self._reason = reason
        self._last_use = time.ticks_ms()
        self._enter("open")

    def _save(self):
        try:
            form.save(self._proposal)
        except OSError as error:
            self._station.end()
            self._fail("the board cannot save this (error %d); is its disk full?" % error.errno)
            return
        print("setup: saved; restarting")
        self._enter("done")

    def _step_done(self, now, passed):
        told = self._told is not None and time.ticks_diff(now, self._told) >= _TOLD_TIME
        if told or passed >= _DONE_TIME:
            machine.reset()

    def _step_closed(self, now):
        if self._button.value():
            self._button_since = None
        elif self._button_since is None:
            self._button_since = now
        elif time.ticks_diff(now, self._button_since) >= _HOLD:
            self._button_since = None
            self._open()

    # What the page asks ---------------------------------------------------------------

    def _answer(self, request):
        try:
            return self._route(request)
        except MemoryError:
            gc.collect()
            return 503, "text/plain", b"no memory"

    def _route(self, request):
        if request.host.split(b":")[0] != radio.ADDRESS.encode():
            return self._answer_probe(request)
        path = request.path.split(b"?")[0]
        if request.method == b"POST":
            if not request.is_json:
                return 415, "text/plain", b"send application/json"
            if path == b"/setup.json":
                return self._take_proposal(request.body)
            if path == b"/scan":
                return self._take_search()
            if path == b"/blink":
                self._lights.blink()
                return _json(200, {})
            return 404, "text/plain", b"not found"
        if path == b"/":
            self._last_use = time.ticks_ms()
            from . import page

            return 200, http.HTML, page.ZH if request.language == b"zh" else page.EN
        if path == b"/setup.json":
            return _json(200, self._describe())
        if path == b"/state.json":
            return _json(200, self._describe_state())
        if path == b"/favicon.ico":
            return 404, "text/plain", b"not found"
        return _redirect()

    def _answer_probe(self, request):
        # Asked under another's name: a probe for the internet, or a person's own address.
        if self._state != "done":
            return _redirect()
        if b"generate_204" in request.path or b"gen_204" in request.path:
            return 204, "", b""
        if request.path == b"/canonical.html":
            return 200, http.HTML, _FIREFOX_PAGE
        for place, text in _SUCCESS:
            if place in (request.host, request.path):
                return 200, http.HTML if text[:1] == b"<" else "text/plain", text
        return 204, "", b""

    def _describe_state(self):
        now = time.ticks_ms()
        state = self._state
        if state == "done" and self._told is None:
            self._told = now
        if state == "open" and self._reason:
            state = "failed"
        left = _OPEN_TIME - time.ticks_diff(now, self._last_use)
        return {
            "state": state,
            "reason": self._reason,
            "address": self._address,
            "left": left // 1000,
        }

    def _describe(self):
        values = self._proposal or form.read()
        values, kept = form.without_secrets(values)
        description = self._describe_state()
        description.update(
            name=self._access_point.name,
            id=self._id.hex(),
            board=board.NAME,
            version=version.VERSION,
            networks=self._networks,
            config=values,
            kept=kept,
        )
        return description

    def _take_search(self):
        if self._state != "open":
            return _json(409, self._describe_state())
        self._search_at = time.ticks_add(time.ticks_ms(), _PAUSE)
        return _json(200, {})

    def _take_proposal(self, body):
        now = time.ticks_ms()
        if self._state != "open":
            return _json(409, self._describe_state())
        self._last_use = now
        if self._failures >= _MAX_FAILURES:
            if time.ticks_diff(now, self._state_begin) < _LOCK_TIME:
                return _json(429, {"problems": ["too many tries; wait half a minute"]})
            self._failures = 0
        try:
            values, is_tried = form.parse(body, self._proposal or form.read())
        except form.Mistake as error:
            return _json(422, {"problems": error.args[0]})
        self._proposal = values
        self._reason = ""
        if is_tried:
            self._has_begun = False
            self._enter("trying")
        else:
            self._save()
        return _json(200, {})


def _redirect():
    # Apple's phones want content, Android's more than 4 bytes of it (NetworkMonitor, sendHttpProbe).
    url = "http://%s/" % radio.ADDRESS
    return 302, http.HTML, ('<a href="%s">%s</a>' % (url, url)).encode(), url


def _json(status, value):
    return status, http.JSON, json.dumps(value).encode()
