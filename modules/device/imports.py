"""Which modules an import finds: the firmware's code frozen ones alone, users' code their files too.

MicroPython looks for a module in each folder of sys.path, and for most built-in ones as well. With
the stock path, ["", ".frozen", "/lib"], a file named rgb.py or clock.py on the board's disk would
stop the firmware and safe mode, and each import of the firmware would cost about six lookups in
flash. So the boot script empties both before its first import, and calls `begin`; a program of the
user's is given both back as if the firmware had imported nothing.
"""

import sys
from _frozen import names_before_frozen

_firmwares_path = _users_path = sys.path
_users_modules = {}
_taken = ()  # names of modules that the user has files for
_given = False  # whether the user has both back
_hidden = {}  # name -> the firmware's module while a handler runs, else the user's or None


def begin(users_path, users_modules):
    """Keep what the user's code is given later: sys.path and sys.modules as /boot.py left them."""
    global _firmwares_path, _users_path, _users_modules, _taken
    _firmwares_path = sys.path
    _users_path = users_path
    _users_modules = users_modules
    _taken = names_before_frozen(users_path)
    # What /boot.py has loaded from no file may as well be used.
    for name, module in users_modules.items():
        if not (name in sys.modules or _is_taken(name)):
            sys.modules[name] = module


def _is_taken(name):
    return name.split(".")[0] in _taken


def give_to_user():
    """Let /main.py or the prompt begin as if the firmware had imported nothing.

    The second call does nothing: what the user has imported since then stays.
    """
    global _given
    if not _given:
        _given = True
        sys.path = _users_path
        sys.modules.clear()
        sys.modules.update(_users_modules)


def share_with_user():
    """Before /handlers.py: prepare `as_user` and `as_firmware`, between which each handler runs.

    There what the firmware runs is at hand, but for names that the user has files for. `device` is
    always the running one.
    """
    for name in sys.modules:
        if _is_taken(name) and name.split(".")[0] != "device":
            _hidden[name] = _users_modules.get(name)


def _exchange_hidden():
    for name, module in _hidden.items():
        _hidden[name] = sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def forget(*names):
    """Free modules of the package `device`, which can come again; "update." is all in that package."""
    for name in names:
        name = "device." + name
        inside = name if name[-1] == "." else name + "."
        for loaded in list(sys.modules):
            if loaded == name or loaded.startswith(inside):
                del sys.modules[loaded]
                package, _, last = loaded.rpartition(".")
                if package in sys.modules:
                    delattr(sys.modules[package], last)


def as_user():
    """Imports that follow find the user's files too."""
    sys.path = _users_path
    _exchange_hidden()


def as_firmware():
    """Imports that follow find frozen modules alone."""
    sys.path = _firmwares_path
    _exchange_hidden()
