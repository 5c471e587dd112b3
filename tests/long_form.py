"""FULL=1 in the environment (`make faults`) asks for the fault tests' long forms."""

import os

FULL = os.environ.get("FULL") == "1"
