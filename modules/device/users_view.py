"""What imports find while code of /handlers.py runs: the user's files too, else frozen modules alone.

What the firmware has loaded is at hand there, but for names that the user has files for. `device`
is always the running one.

A callback of `timers` comes between any two bytecodes, also while one view takes the place of the
other. So nothing is exchanged: both views are tables, a switch writes one of them into sys.modules,
and a callback writes the user's there and then again what it has found.
"""

import sys
import timers
from micropython import const

from . import imports

_FIRMWARES = const(0)
_CHANGING = const(1)  # to the user's
_USERS = const(2)

_view = _FIRMWARES
_runs = 0  # how many calls of `run` have ended

# Of the names that the user has files for: the firmware's module or None, and the user's or None.
_firmwares_modules = {}
_users_modules = {}


def begin():
    """Before /handlers.py runs: see which names are the user's, and have `timers` call `run`."""
    for name in set(sys.modules) | imports.taken:
        if imports.is_taken(name) and name.split(".")[0] != "device":
            _firmwares_modules[name] = sys.modules.get(name)
            _users_modules[name] = imports.users_modules.get(name)
    timers.call = run


def run(function, *arguments):
    """Call function(*arguments), which is the user's; what it raises is the caller's."""
    global _view, _runs
    before = _view
    if before == _FIRMWARES:
        _view = _CHANGING
    if before != _USERS:
        _finish(_show_users)
    if before == _FIRMWARES:
        _view = _USERS
    try:
        function(*arguments)
    finally:
        _finish(_keep_users)
        _runs += 1
        if before == _FIRMWARES:
            _view = _FIRMWARES
            sys.path = imports.firmwares_path
            _show(_firmwares_modules)


def _finish(work):
    # Once more if a callback has come meanwhile, which may have imported something.
    runs = -1
    while runs != _runs:
        runs = _runs
        work()


def _show_users():
    sys.path = imports.users_path
    _show(_users_modules)


def _show(modules):
    for name in modules:  # items() would allocate
        module = modules[name]
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module


def _keep_users():
    for name in _users_modules:
        _users_modules[name] = sys.modules.get(name)
