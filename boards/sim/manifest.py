# Everything the simulated board has: its fake hardware, then the same as the real board.
# SIM_BOARD is set by ci/build/simulator.sh.
import os

freeze("modules")
include("$(MPY_DIR)/extmod/asyncio")
include("../../manifest.py")
freeze("../" + os.environ["SIM_BOARD"] + "/modules")

# The names of its pins, which the port's build makes of the same file: Pin("P0"), Pin.board.P0.
with open("../" + os.environ["SIM_BOARD"] + "/pins.csv") as lines:
    pairs = [line.strip().split(",GPIO") for line in lines if ",GPIO" in line]
folder = os.path.abspath("../../build/sim-" + os.environ["SIM_BOARD"])
os.makedirs(folder, exist_ok=True)
with open(folder + "/named_pins.py", "w") as file:
    print("GPIO = {%s}" % ", ".join('"%s": %s' % (name, gpio) for name, gpio in pairs), file=file)
module("named_pins.py", base_path=folder)
