"""The application slot that the board runs from. The only module that touches the OTA partitions.

After an update over the air the boot loader runs the new slot once, on trial: unless it is kept,
the next reset goes back to the old one (CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE of the port).
"""

from esp32 import Partition


class Slot:
    """The running application; `partition` stands in for esp32.Partition in tests."""

    def __init__(self, partition=Partition):
        self._partition = partition

    def keep(self):
        """Keep the running application.

        Writes to the flash only if it was on trial; raises nothing.
        """
        try:
            self._partition.mark_app_valid_cancel_rollback()
        except OSError:
            pass  # the boot loader keeps no account of slots: there is nothing to go back to

    def online(self):
        """An update that cannot reach its broker is not kept."""
        self.keep()
