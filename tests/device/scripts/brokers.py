# Brokers: in turn, at once, the last good one first; a round is over when all have failed.
from device.brokers import Brokers

brokers = Brokers(["a", "b", "c"])
assert brokers.server == "a"


def attempts(failures):
    # What is tried after so many failed attempts in a row: (server, whether others are left, rounds).
    tried = []
    for failure in range(1, failures + 1):
        rounds = brokers.choose(failure)
        tried.append((brokers.server, brokers.untried, rounds))
    return tried


first_round = [("b", 2, 0), ("c", 1, 0), ("a", 0, 1)]
assert attempts(3) == first_round, attempts(3)
assert attempts(6)[-1] == ("a", 0, 3)  # the failures of all, not of one, make the rounds

# b was good, for long, and is lost: it is tried first, then c and a.
brokers = Brokers(["a", "b", "c"])
assert attempts(1) == [("b", 2, 0)]
assert brokers.choose(0) == 0 and brokers.server == "b"
assert not brokers.has_changed and not brokers.untried
assert attempts(4) == [("c", 2, 0), ("a", 1, 0), ("b", 0, 1), ("c", 2, 1)]
assert brokers.has_changed
print("ok")
