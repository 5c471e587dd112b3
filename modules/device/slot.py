"""The application slot that the board runs from.

After an update over the air the boot loader runs the new slot once, on trial: unless it is kept,
the next reset goes back to the old one (CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE of the port).
"""


def keep():
    """Keep the running application. Writes to the flash only if it was on trial; raises nothing."""
    import esp32

    try:
        esp32.Partition.mark_app_valid_cancel_rollback()
    except OSError:
        pass  # the boot loader keeps no account of slots: there is nothing to go back to
