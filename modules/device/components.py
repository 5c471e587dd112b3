"""What Home Assistant is told of a board: one JSON text, made of pieces that mostly lie in flash.

Loaded while the message is made, and forgotten afterwards. Which keys Home Assistant takes, and why
these: docs/home-assistant.md. What has no "stat_t" or "cmd_t" of its own has that of the device, the
stats and `topics.command`. A component's key is part of its identity there: none may ever be renamed.
"""

import board
import gc
import json
import machine
import uctypes
import version
from . import imports
from .report import SUBTOPIC
from micropython import const

# Constants, so that the table below lies in flash, too. Platforms, as they follow a key.
_LIGHT = const(b'":{"p":"light')
_EVENT = const(b'":{"p":"event')
_DEVICE_AUTOMATION = const(b'":{"p":"device_automation')
_BINARY_SENSOR = const(b'":{"p":"binary_sensor')
_SENSOR = const(b'":{"p":"sensor')
_BUTTON = const(b'":{"p":"button')
_UPDATE = const(b'":{"p":"update')
_NOTIFY = const(b'":{"p":"notify')

_EVENTS = const(
    b'"dev_cla":"button","evt_typ":["press","release","long_press","double_press"],"stat_t":"'
)
_EVENT_TYPE = const(b'","val_tpl":"{{value_json.event_type}}"')
_DIAGNOSTIC = const(b'"ent_cat":"diagnostic","val_tpl":"')
_MEASURED = const(b'"stat_cla":"measurement","stat_t":"')
# No lux and no dB: what the sensors give is in percent of what they can give.
_PERCENT = const(b'"unit_of_meas":"%",')
_ACCELERATION = const(b'"unit_of_meas":"m/s\xc2\xb2","en":false,"stat_t":"')
_IF_TOUCHED = const(b" else 'OFF'}}\"")

# (key, its platform, what follows: bytes, or the name of a topic)
_COMPONENTS = (
    (
        "light",
        _LIGHT,
        b'"schema":"json","name":null,"brightness":true,"sup_clrm":["rgb"],"effect":true,'
        b'"fx_list":["off","rainbow","breathe","police","pulse"],"stat_t":"',
        "state",
        b'"',
    ),
    ("a", _EVENT, b'"name":"Button A",', _EVENTS, "button", b'/a"'),
    ("b", _EVENT, b'"name":"Button B",', _EVENTS, "button", b'/b"'),
    (
        "as",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_short_press","stype":"button_1","pl":"press","t":"',
        "button",
        b"/a",
        _EVENT_TYPE,
    ),
    (
        "al",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_long_press","stype":"button_1","pl":"long_press","t":"',
        "button",
        b"/a",
        _EVENT_TYPE,
    ),
    (
        "bs",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_short_press","stype":"button_2","pl":"press","t":"',
        "button",
        b"/b",
        _EVENT_TYPE,
    ),
    (
        "bl",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_long_press","stype":"button_2","pl":"long_press","t":"',
        "button",
        b"/b",
        _EVENT_TYPE,
    ),
    (
        "pad_p",
        _BINARY_SENSOR,
        b'"name":"Pad P","stat_t":"',
        "touch",
        b'","val_tpl":"{{\'ON\' if value_json.p',
        _IF_TOUCHED,
    ),
    (
        "pad_y",
        _BINARY_SENSOR,
        b'"name":"Pad Y","stat_t":"',
        "touch",
        b'","val_tpl":"{{\'ON\' if value_json.y',
        _IF_TOUCHED,
    ),
    (
        "pad_t",
        _BINARY_SENSOR,
        b'"name":"Pad T","stat_t":"',
        "touch",
        b'","val_tpl":"{{\'ON\' if value_json.t',
        _IF_TOUCHED,
    ),
    (
        "pad_h",
        _BINARY_SENSOR,
        b'"name":"Pad H","stat_t":"',
        "touch",
        b'","val_tpl":"{{\'ON\' if value_json.h',
        _IF_TOUCHED,
    ),
    (
        "pad_n",
        _BINARY_SENSOR,
        b'"name":"Pad N","stat_t":"',
        "touch",
        b'","val_tpl":"{{\'ON\' if value_json.n',
        _IF_TOUCHED,
    ),
    (
        "pad_o",
        _BINARY_SENSOR,
        b'"name":"Pad O","stat_t":"',
        "touch",
        b'","val_tpl":"{{\'ON\' if value_json.o',
        _IF_TOUCHED,
    ),
    (
        "light_level",
        _SENSOR,
        b'"name":"Light","ic":"mdi:brightness-5",',
        _PERCENT,
        _MEASURED,
        "sensors",
        b'","val_tpl":"{{value_json.light_level}}"',
    ),
    (
        "light_left",
        _SENSOR,
        b'"name":"Light left","ic":"mdi:brightness-5",',
        _PERCENT,
        _MEASURED,
        "sensors",
        b'","val_tpl":"{{value_json.light_left}}"',
    ),
    (
        "light_right",
        _SENSOR,
        b'"name":"Light right","ic":"mdi:brightness-5",',
        _PERCENT,
        _MEASURED,
        "sensors",
        b'","val_tpl":"{{value_json.light_right}}"',
    ),
    (
        "sound",
        _SENSOR,
        b'"name":"Sound","ic":"mdi:microphone",',
        _PERCENT,
        _MEASURED,
        "sensors",
        b'","val_tpl":"{{value_json.sound}}"',
    ),
    (
        "temperature",
        _SENSOR,
        b'"dev_cla":"temperature","unit_of_meas":"\xc2\xb0C","sug_dsp_prc":1,',
        _MEASURED,
        "sensors",
        b'","val_tpl":"{{value_json.temperature}}"',
    ),
    (
        "x",
        _SENSOR,
        b'"name":"X",',
        _ACCELERATION,
        "sensors",
        b'","val_tpl":"{{value_json.x}}"',
    ),
    (
        "y",
        _SENSOR,
        b'"name":"Y",',
        _ACCELERATION,
        "sensors",
        b'","val_tpl":"{{value_json.y}}"',
    ),
    (
        "z",
        _SENSOR,
        b'"name":"Z",',
        _ACCELERATION,
        "sensors",
        b'","val_tpl":"{{value_json.z}}"',
    ),
    (
        "motion",
        _EVENT,
        b'"name":"Motion","evt_typ":["shake","face_up","face_down","tilt_left","tilt_right"],'
        b'"stat_t":"',
        "motion",
        b'"',
    ),
    ("identify", _BUTTON, b'"dev_cla":"identify","pl_prs":"identify"'),
    ("restart", _BUTTON, b'"dev_cla":"restart","ent_cat":"config","pl_prs":"restart"'),
    (
        "update",
        _UPDATE,
        b'"dev_cla":"firmware","ent_cat":"config","qos":1,"pl_inst":"install","cmd_t":"',
        "update",
        b'/set","stat_t":"',
        "update",
        b'/state"',
    ),
    ("display", _NOTIFY, b'"name":"Display","cmd_t":"', "display", b'"'),
    (
        "rssi",
        _SENSOR,
        b'"dev_cla":"signal_strength","unit_of_meas":"dBm","stat_cla":"measurement",',
        _DIAGNOSTIC,
        b'{{value_json.rssi}}"',
    ),
    (
        "address",
        _SENSOR,
        b'"name":"Address",',
        _DIAGNOSTIC,
        b'{{value_json.address}}"',
    ),
    (
        "reset",
        _SENSOR,
        b'"name":"Last reset",',
        _DIAGNOSTIC,
        b'{{value_json.reset}}"',
    ),
    (
        "uptime",
        _SENSOR,
        b'"name":"Uptime","dev_cla":"duration","unit_of_meas":"s","en":false,',
        _DIAGNOSTIC,
        b'{{value_json.uptime}}"',
    ),
    (
        "heap",
        _SENSOR,
        b'"name":"Free memory","dev_cla":"data_size","unit_of_meas":"B","stat_cla":"measurement",'
        b'"en":false,',
        _DIAGNOSTIC,
        b'{{value_json.heap_free}}"',
    ),
    (
        "reconnects",
        _SENSOR,
        b'"name":"Reconnects","stat_cla":"total_increasing","en":false,',
        _DIAGNOSTIC,
        b'{{value_json.connects - 1}}"',
    ),
)

# What every board has.
_ALWAYS = const(("light", "identify", "rssi", "address", "reset", "uptime", "heap", "reconnects"))


def message(link, settings, label, parts):
    """Return the message, bytes. `settings` is the section `homeassistant`; `parts` are asked what
    they have by describe(), if they have that.

    Takes little more of the heap than the message itself, several KB. Raises MemoryError.
    """
    from . import info

    title = info.title(label)
    del info  # nothing of it is kept
    imports.forget("info")
    keys = _keys(settings, parts)
    gc.collect()
    # Twice, so that no piece is kept: first they are counted. Written into bytes, of which nobody
    # knows yet: of a bytearray the client would make a copy.
    text = bytes(sum(map(len, _pieces(link.topics, settings["area"], title, keys))))
    buffer = memoryview(uctypes.bytearray_at(uctypes.addressof(text), len(text)))
    at = 0
    for piece in _pieces(link.topics, settings["area"], title, keys):
        buffer[at : at + len(piece)] = piece
        at += len(piece)
    return text


def _keys(settings, parts):
    # The keys of what is on this board, beside those that are on each.
    keys = ["restart"] if settings["restart"] else []
    for part in parts:
        if hasattr(part, "describe"):
            keys.extend(part.describe(settings))
    return tuple(keys)


def _quoted(text):
    # As it may stand between the quotes of a JSON text.
    return json.dumps(text)[1:-1].encode()


def _pieces(topics, area, title, keys):
    # Yield bytes: all of a component that is in `keys`; of any other only the platform, by which
    # Home Assistant forgets it.
    identity = machine.unique_id().hex().encode()
    yield b'{"dev":{"ids":["'
    yield identity
    yield b'"],"cns":[["mac","'
    yield machine.unique_id().hex(":").encode()
    yield b'"]],"sn":"'
    yield identity
    yield b'","name":"'
    yield _quoted(title)
    yield b'","mf":"'
    yield _quoted(board.VENDOR)
    yield b'","mdl":"'
    yield _quoted(board.PRODUCT)
    if area:
        yield b'","sa":"'
        yield _quoted(area)
    yield b'","sw":"'
    yield _quoted(version.VERSION)
    yield b'"},"o":{"name":"mqtt-boards"},"avty_t":"'
    yield _quoted(topics["status"].decode())
    yield b'","stat_t":"'
    yield _quoted(topics["status"].decode())
    yield SUBTOPIC
    yield b'","cmd_t":"'
    yield _quoted(topics["command"].decode())
    separator = b'","cmps":{"'
    for component in _COMPONENTS:
        key = component[0].encode()
        yield separator
        yield key
        yield component[1]
        if component[0] in keys or component[0] in _ALWAYS:
            if component[1] != _DEVICE_AUTOMATION:
                yield b'","uniq_id":"'
                yield identity
                yield b"_"
                yield key
            yield b'",'
            for i in range(2, len(component)):
                piece = component[i]
                yield _quoted(topics[piece].decode()) if isinstance(piece, str) else piece
            separator = b'},"'
        else:
            separator = b'"},"'
    yield separator[:-2]
    yield b"}}"
