"""Updates over the air. See docs/update.md.

This module is the part that listens; all others of the package are imported when something happens,
and forgotten afterwards, so that a board at rest pays for as little as can be.
"""


def _forget():
    # Gives 4 to 6 KB of heap back. Imported here: what checks signatures runs where it is not.
    from .. import imports

    imports.forget("slot", "update.")


class Updates:
    """The part that listens for updates, and owns the one under way.

    work: None, or a Download or a Trial: an object with

        online()    called after each CONNACK, and when Home Assistant starts
        step(now)   called on each loop with ticks_ms; returns whether it goes on
        stop()      called when the program ends
    """

    work = None
    latest = ""  # the version that is offered to this board, "" if none is
    is_offered = False  # whether there is an offer for it, of whatever version
    offered_at = None  # ticks_ms, while an offer is to be shown
    is_installing = False  # whether the next offer to come in is to be taken
    is_introduced = False  # whether the first result after the start has been told

    def __init__(self, link, settings, indicator, is_on_trial):
        """`settings` is what platforms.resolve() returned, `indicator` the Indicator."""
        import board

        self.link = link
        self.settings = settings["update"]
        self.indicator = indicator
        self.topic = link.topics["update"]  # b"": nothing is listened to
        self.offer_topic = board.NAME.encode() + b"/update/offer"
        if self.topic:
            link.client.on(self.topic + b"/set", self._hear, 1, True)
            link.client.on(self.offer_topic, self._hear, 1, True)
            if self.settings["allow"] == "any":
                print('update: update.allow is "any": an image needs no signature')
        if is_on_trial:
            from .trial import Trial

            self.work = Trial(self)

    def describe(self, homeassistant):
        return ("update",) if self.topic else ()

    def online(self):
        from . import messages

        messages.introduce(self)
        if self.work is None:
            _forget()
        else:
            self.work.online()

    def step(self, now):
        if self.offered_at is not None:
            from . import messages

            if messages.show_offer(self) and self.work is None:
                _forget()
        if self.work is not None and not self.work.step(now):
            self.work = None
            _forget()

    def stop(self):
        """The program ends: let go of what an update holds."""
        if self.work is not None:
            self.work.stop()

    def _hear(self, topic, message, retained, qos, dup):
        from . import commands
        from ..link import MISTAKES

        try:
            commands.hear(self, topic, message, retained)
        except MISTAKES as error:
            self.link.report(error)
        if self.work is None:
            _forget()
