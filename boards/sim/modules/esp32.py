"""The simulated board's `esp32`: as on a board that was flashed by cable, in its first slot."""

_ESP_FAIL = -1


class Partition:
    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        raise OSError(_ESP_FAIL, "ESP_FAIL")
