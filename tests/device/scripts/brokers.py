# Brokers: in turn, at once, the last good one first; a round is over when all have failed.
import errno
import time
from device.brokers import Brokers
from device.client import Client

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

# A list may hold one twice: the others have their turn all the same.
brokers = Brokers(["a", "a", "b"])
assert [server for server, _, _ in attempts(3)] == ["a", "b", "a"]


# Each lets the board in and closes at once, as where another board has its id: a pause in each round.
class Told(Client):
    def on_lost(self, reason, retry):
        pass


client = Told("id", "a")
client.brokers = Brokers(["a", "b"])
for round_number in range(3):
    for server, waits in (("a", False), ("b", True)):
        assert client.server == server
        client.on_connected(0)
        client.connected_at = time.ticks_ms()
        client.after_loss(OSError(-1), True)
        assert bool(client.brokers.wait) == waits, (round_number, server)


# It lets the board in and then answers pings alone, longer than an attempt may take: it has failed.
def lose_after(packets, pings, error):
    client.on_connected(0)
    client.counters["packets_in"] += packets
    client.counters["pings_answered"] += pings
    client.connected_at = time.ticks_add(time.ticks_ms(), -15000)
    client.lose(error)


class Connected(Told):
    def isconnected(self):
        return True


client = Connected("id", "a")
client.brokers = Brokers(["a", "b"])
for server, waits in (("b", False), ("a", True), ("b", False)):
    lose_after(2, 2, OSError(errno.ETIMEDOUT))
    assert client.server == server
    assert bool(client.brokers.wait) == waits, server
# Not so one that has answered more, or that goes away.
for packets, pings, error in ((3, 2, OSError(errno.ETIMEDOUT)), (2, 2, OSError(-1))):
    lose_after(packets, pings, error)
    assert client.server == "b" and not client.brokers.has_changed, (packets, error)

# What one broker has granted another one does not know, even if it has a session of ours, an old one.
client.session.granted[b"a/b"] = 1
client.backoff(0)
assert client.session.granted  # the same one is asked first
client.backoff(1)
assert not client.session.granted
print("ok")
