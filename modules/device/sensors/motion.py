"""What is done with the board, as events: it is shaken, tilted to a side, or turned over."""

import time
from micropython import const
from .accelerometer import G

# Milliseconds.
_RHYTHM = const(40)  # from one look to the next, at least
_HOLD = const(300)  # that the board is held so, before it counts
# In which it swings often enough to be shaken, and that it is quiet after that.
_SHAKE = const(1000)

_SWINGS = const(3)  # one way, and the other, and back

_ENTER = const(70)  # percent of g along an axis that points down
_LEAVE = const(50)
_SWING = const(160)

# Axis, and whether it is positive.
_POSTURES = (
    (2, False, b'{"event_type": "face_up"}'),
    (2, True, b'{"event_type": "face_down"}'),
    (1, True, b'{"event_type": "tilt_left"}'),
    (1, False, b'{"event_type": "tilt_right"}'),
)
_OTHER = const(-1)  # on its edge, or in between
_UNKNOWN = const(-2)  # after the start
_SHAKEN = b'{"event_type": "shake"}'


class Motion:
    """The part that tells of movements, while the broker is there."""

    has = ("motion",)

    def __init__(self, link, accelerometer):
        self._link = link
        self._accelerometer = accelerometer
        self._posture = _UNKNOWN  # index of _POSTURES, as it was told
        self._seen = _OTHER  # as it is held now
        now = time.ticks_ms()
        self._looked_at = self._seen_at = self._swung_at = now
        self._swings = 0
        self._direction = 0  # of the last swing: axis + 1, negative to the other side

    def describe(self, settings):
        return ("motion",)

    def step(self, now):
        if time.ticks_diff(now, self._looked_at) < _RHYTHM:
            return
        self._looked_at = now
        if not self._accelerometer.measure():
            return
        axes = self._accelerometer.axes
        if self._is_shaken(axes, now):
            self._tell(_SHAKEN)
        posture = self._find_posture(axes)
        if posture != self._seen:
            self._seen = posture
            self._seen_at = now
        elif posture != self._posture and time.ticks_diff(now, self._seen_at) >= _HOLD:
            is_first = self._posture == _UNKNOWN
            self._posture = posture
            if posture != _OTHER and not is_first:
                self._tell(_POSTURES[posture][2])

    def _find_posture(self, axes):
        for i in range(len(_POSTURES)):
            axis, is_positive, _ = _POSTURES[i]
            share = _LEAVE if i == self._seen else _ENTER
            down = axes[axis] if is_positive else -axes[axis]
            if down * 100 > G * share:
                return i
        return _OTHER

    def _is_shaken(self, axes, now):
        # Strong movements, each against the one before it.
        direction = 0
        most = G * _SWING // 100
        for axis in range(3):
            if abs(axes[axis]) > most:
                most = abs(axes[axis])
                direction = axis + 1 if axes[axis] > 0 else -1 - axis
        since = time.ticks_diff(now, self._swung_at)
        if since > _SHAKE:
            self._swings = self._direction = 0
        if not direction or direction == self._direction:
            return False
        if self._swings == 0:
            self._swung_at = now
        self._direction = direction
        self._swings += 1
        return self._swings == _SWINGS

    def _tell(self, event):
        if self._link.is_online():
            self._link.publish(self._link.topics["motion"], event)
