"""Which modules an import finds: the firmware's code frozen ones alone, users' code their files too.

MicroPython looks for a module in each folder of sys.path, and for most built-in ones as well. With
the stock path, ["", ".frozen", "/lib"], a file named rgb.py or clock.py on the board's disk would
stop the firmware and safe mode, and each import of the firmware would cost about six lookups in
flash. So the boot script empties both before its first import, and calls `begin`; a program of the
user's is given both back as if the firmware had imported nothing, and /handlers.py has a view of its
own: users_view.py.
"""

import sys
from _frozen import names_before_frozen

# For users_view.py.
firmwares_path = users_path = sys.path
users_modules = {}
taken = set()  # names of modules that the user has files for

_given = False  # whether the user has both back


def begin(path, modules):
    """Keep what the user's code is given later: sys.path and sys.modules as /boot.py left them."""
    global firmwares_path, users_path, users_modules, taken
    firmwares_path = sys.path
    users_path = path
    users_modules = modules
    taken = names_before_frozen(path)
    # What /boot.py has loaded from no file may as well be used.
    for name, module in modules.items():
        if not (name in sys.modules or is_taken(name)):
            sys.modules[name] = module


def is_taken(name):
    """Return whether the user has a file for the module, or for the package that it is in."""
    return name.split(".")[0] in taken


def give_to_user():
    """Let /main.py or the prompt begin as if the firmware had imported nothing.

    The second call does nothing: what the user has imported since then stays.
    """
    global _given
    if not _given:
        _given = True
        sys.path = users_path
        sys.modules.clear()
        sys.modules.update(users_modules)


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
