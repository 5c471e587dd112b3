"""What the board is, in one retained message: for pages and programs that show many boards."""

import board
import json
import machine
import version


def title(label):
    """Return what people call the board: the key `label`, else its product and the end of its id."""
    return label or "%s %s" % (board.PRODUCT, machine.unique_id().hex()[-4:])


def message(label, topics, address, parts):
    """Return that message, JSON. `topics` are those of the groups' commands; `parts` are asked what
    they have by the attribute `has`.
    """
    has = []
    for part in parts:
        has.extend(getattr(part, "has", ()))
    return json.dumps(
        {
            "id": machine.unique_id().hex(),
            "board": board.NAME,
            "title": title(label),
            "version": version.VERSION,
            "ip": address,
            "leds": {"n": board.LED_COUNT, "columns": board.LED_COLUMNS},
            "has": has,
            "groups": [topic.rpartition("/")[0] for topic in topics],
        }
    )
