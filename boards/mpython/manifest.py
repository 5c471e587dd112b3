include("../manifest.py")
include("../../manifest.py")
freeze("modules")
