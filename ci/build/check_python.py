"""Refuse a Python that is too old; say where pip for a virtual environment comes from.

Prints "bundled", or "missing" where Debian's package python3-venv is not installed.
"""

import importlib.util
import sys

if sys.version_info < (3, 11):
    sys.exit(f"error: Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
print("bundled" if importlib.util.find_spec("ensurepip") else "missing")
