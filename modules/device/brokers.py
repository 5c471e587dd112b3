"""Several brokers of one configuration, such as the nodes of a cluster: which is tried next.

Only imported where `mqtt.server` is a list of more than one.
"""


class Brokers:
    """The brokers in their order; `server` is the one that is connected to, or tried next.

    The last good one is tried first. If it fails the others follow in turn, at once; when all have
    failed they are waited for, and a new round begins with the same one. One that lets the board in
    and closes soon has failed: else two boards with one id would put each other out without a pause.
    So has one that lets it in and then answers nothing but pings.
    """

    untried = 0  # how many are left in the round
    wait = 0  # s before the next one is tried
    has_changed = False  # whether `choose` has gone on to the next one

    def __init__(self, servers):
        """`servers`: names or addresses, at least two."""
        self.server = servers[0]
        self._servers = servers
        self._index = 0  # of `server`: the list may hold one twice
        self._rounds = 0  # in which all have failed, since the last good one

    def choose(self, failures):
        """Choose the next one after a loss (`failures` is 0) or a failed attempt.

        Return the rounds in a row that have failed.
        """
        self.has_changed = failures > 0
        if not failures:
            self.untried = self._rounds = 0
            return 0
        count = len(self._servers)
        self.untried = (self.untried or count) - 1
        self._index = (self._index + 1) % count
        self.server = self._servers[self._index]
        if not self.untried:
            self._rounds += 1
        return self._rounds
