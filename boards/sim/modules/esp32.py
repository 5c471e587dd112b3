"""The simulated board's `esp32`: as on a board whose application is not on trial."""


class Partition:
    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        pass


class RMT:
    @staticmethod
    def bitstream_rmt(use_rmt):
        """The simulated LED line has one way to send a frame."""
