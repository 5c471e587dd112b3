"""Every conversation of rows/ with the session of the firmware. Argument: the folder above this."""

import os
import sys

folder = sys.argv[1]
sys.path.append(folder)

import conversation
from client import Client

count = plays = 0
failures = []
for name in sorted(os.listdir(folder + "/rows")):
    with open(folder + "/rows/" + name) as file:
        found = conversation.read(file.read())
    for each in found:
        count += 1
        for way, cut, glued in conversation.splits(each):
            plays += 1
            try:
                conversation.play(each, Client(), cut, glued)
            except Exception as e:
                failures.append("%s: %s%s: %r" % (each.titles[0], way, ", glued" * glued, e))
                break

print("%d conversations, %d plays" % (count, plays))
print("\n".join(failures) or "ok")
