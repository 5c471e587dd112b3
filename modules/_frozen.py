"""Frozen modules for frozen modules: `from _frozen import rgb` finds ours in every case.

A user's program may bring a module of its own by a name of ours: with the stock path, ["",
".frozen", "/lib"], a plain `import rgb` then finds the file. The frozen modules that such a program
imports, mpython for instance, still need the frozen rgb.
"""

import os
import sys

__path__ = ".frozen"  # where the modules of this "package" lie


def names_before_frozen(path):
    """Return the set of module names that files take before frozen modules get them.

    `path` is sys.path or one like it. Lists its folders before ".frozen": one look into flash each.
    """
    names = set()
    for folder in path:
        if folder == ".frozen":
            break
        try:
            files = os.listdir(folder) if folder else os.listdir()
        except OSError:
            continue
        names.update([file.split(".")[0] for file in files])
    return names


def __getattr__(name):
    if name in names_before_frozen(sys.path):
        # Kept as "_frozen.rgb" in sys.modules, beside the user's "rgb".
        return __import__("_frozen." + name, None, None, (name,))
    return __import__(name)
