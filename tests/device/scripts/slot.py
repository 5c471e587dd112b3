# Slot: the running application is kept, with or without a boot loader that keeps account of slots.
from device.slot import Slot


class Partition:
    kept = 0

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        cls.kept += 1


class WithoutAccount:
    @staticmethod
    def mark_app_valid_cancel_rollback():
        raise OSError(-261)  # ESP_ERR_NOT_SUPPORTED


slot = Slot(Partition)
assert Partition.kept == 0
slot.keep()
slot.online()
assert Partition.kept == 2
Slot(WithoutAccount).keep()
Slot().keep()
print("ok")
