# Prints the OneNET tokens for the rows of a JSON file: [resource, key, end, method]. Without one,
# checks only what is refused; test_platforms.py compares the tokens with CPython's.
import json
import sys
from device.platforms import onenet

for method in ("sha512", "SHA256", "", "update"):
    try:
        onenet.token("products/1/devices/a", "a2V5", 1, method)
        assert False, method
    except ValueError:
        pass
if len(sys.argv) > 1:
    with open(sys.argv[1]) as file:
        print(json.dumps([onenet.token(*row) for row in json.load(file)]))
print("ok")
