# Everything the simulated board has: its fake hardware, then the same as the real board.
# SIM_BOARD is set by ci/functions.sh.
import os

freeze("modules")
include("$(MPY_DIR)/extmod/asyncio")
include("../../manifest.py")
freeze("../" + os.environ["SIM_BOARD"] + "/modules")
