# What every image freezes: the boot script and the modules that all boards share.
# A board's manifest includes this file, then adds the folder of its own modules.
import subprocess
import sys

import manifestfile

freeze("firmware/boot", "main.py")
freeze("modules")

# `import version` answers what the board runs. Written at every build, whoever starts it.
_COMMAND = [sys.executable, "ci/build/version.py", "--micropython", manifestfile.__file__]
subprocess.run([*_COMMAND, "--output", "build/version/version.py"], check=True)
module("version.py", base_path="build/version")

# The page of set-up, compressed: its fields are those of the configuration's rules.
_COMMAND = [
    sys.executable,
    "ci/build/setup_page.py",
    "--output",
    "build/setup/device/setup/page.py",
]
subprocess.run(_COMMAND, check=True)
module("device/setup/page.py", base_path="build/setup")
