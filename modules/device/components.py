"""What Home Assistant is told of the things that boards have: pieces of one JSON text.

Loaded while the message is made, and forgotten afterwards. A piece is bytes, which stay in flash, or
the number of a word that each board has for itself. Which keys Home Assistant takes, and why these:
docs/home-assistant.md. A component's key is part of its identity there: none may ever be renamed.
"""

from micropython import const

# Numbers of words, as bytes that may stand in a JSON text.
ID = const(0)  # 12 hexadecimal digits
COMMAND = const(1)  # topics
STATE = const(2)
STATS = const(3)
BUTTON = const(4)
UPDATE = const(5)
TOUCH = const(6)
SENSORS = const(7)
MOTION = const(8)
DISPLAY = const(9)

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
_EVENT_TYPE = const(b'","val_tpl":"{{ value_json.event_type }}"')
_DIAGNOSTIC = const(b'"ent_cat":"diagnostic","stat_t":"')
_MEASURED = const(b'"stat_cla":"measurement","stat_t":"')
# No lux and no dB: what the sensors give is in percent of what they can give.
_PERCENT = const(b'"unit_of_meas":"%",')
_ACCELERATION = const(b'"unit_of_meas":"m/s\xc2\xb2","en":false,')
_IF_TOUCHED = const(b" else 'OFF' }}\"")

# (key, its platform, what else there is)
_COMPONENTS = (
    (
        b"light",
        _LIGHT,
        b'"schema":"json","name":null,"brightness":true,"sup_clrm":["rgb"],"effect":true,'
        b'"fx_list":["off","rainbow","breathe","police","pulse"],"cmd_t":"',
        COMMAND,
        b'","stat_t":"',
        STATE,
        b'"',
    ),
    (b"a", _EVENT, b'"name":"Button A",', _EVENTS, BUTTON, b'/a"'),
    (b"b", _EVENT, b'"name":"Button B",', _EVENTS, BUTTON, b'/b"'),
    (
        b"as",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_short_press","stype":"button_1","pl":"press","t":"',
        BUTTON,
        b"/a",
        _EVENT_TYPE,
    ),
    (
        b"al",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_long_press","stype":"button_1","pl":"long_press","t":"',
        BUTTON,
        b"/a",
        _EVENT_TYPE,
    ),
    (
        b"bs",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_short_press","stype":"button_2","pl":"press","t":"',
        BUTTON,
        b"/b",
        _EVENT_TYPE,
    ),
    (
        b"bl",
        _DEVICE_AUTOMATION,
        b'"atype":"trigger","type":"button_long_press","stype":"button_2","pl":"long_press","t":"',
        BUTTON,
        b"/b",
        _EVENT_TYPE,
    ),
    (
        b"pad_p",
        _BINARY_SENSOR,
        b'"name":"Pad P","stat_t":"',
        TOUCH,
        b'","val_tpl":"{{ \'ON\' if value_json.p',
        _IF_TOUCHED,
    ),
    (
        b"pad_y",
        _BINARY_SENSOR,
        b'"name":"Pad Y","stat_t":"',
        TOUCH,
        b'","val_tpl":"{{ \'ON\' if value_json.y',
        _IF_TOUCHED,
    ),
    (
        b"pad_t",
        _BINARY_SENSOR,
        b'"name":"Pad T","stat_t":"',
        TOUCH,
        b'","val_tpl":"{{ \'ON\' if value_json.t',
        _IF_TOUCHED,
    ),
    (
        b"pad_h",
        _BINARY_SENSOR,
        b'"name":"Pad H","stat_t":"',
        TOUCH,
        b'","val_tpl":"{{ \'ON\' if value_json.h',
        _IF_TOUCHED,
    ),
    (
        b"pad_n",
        _BINARY_SENSOR,
        b'"name":"Pad N","stat_t":"',
        TOUCH,
        b'","val_tpl":"{{ \'ON\' if value_json.n',
        _IF_TOUCHED,
    ),
    (
        b"pad_o",
        _BINARY_SENSOR,
        b'"name":"Pad O","stat_t":"',
        TOUCH,
        b'","val_tpl":"{{ \'ON\' if value_json.o',
        _IF_TOUCHED,
    ),
    (
        b"light_level",
        _SENSOR,
        b'"name":"Light","ic":"mdi:brightness-5",',
        _PERCENT,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.light_level }}"',
    ),
    (
        b"light_left",
        _SENSOR,
        b'"name":"Light left","ic":"mdi:brightness-5",',
        _PERCENT,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.light_left }}"',
    ),
    (
        b"light_right",
        _SENSOR,
        b'"name":"Light right","ic":"mdi:brightness-5",',
        _PERCENT,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.light_right }}"',
    ),
    (
        b"sound",
        _SENSOR,
        b'"name":"Sound","ic":"mdi:microphone",',
        _PERCENT,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.sound }}"',
    ),
    (
        b"temperature",
        _SENSOR,
        b'"dev_cla":"temperature","unit_of_meas":"\xc2\xb0C","sug_dsp_prc":1,',
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.temperature }}"',
    ),
    (
        b"x",
        _SENSOR,
        b'"name":"X",',
        _ACCELERATION,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.x }}"',
    ),
    (
        b"y",
        _SENSOR,
        b'"name":"Y",',
        _ACCELERATION,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.y }}"',
    ),
    (
        b"z",
        _SENSOR,
        b'"name":"Z",',
        _ACCELERATION,
        _MEASURED,
        SENSORS,
        b'","val_tpl":"{{ value_json.z }}"',
    ),
    (
        b"motion",
        _EVENT,
        b'"name":"Motion","evt_typ":["shake","face_up","face_down","tilt_left","tilt_right"],'
        b'"stat_t":"',
        MOTION,
        b'"',
    ),
    (b"identify", _BUTTON, b'"dev_cla":"identify","pl_prs":"identify","cmd_t":"', COMMAND, b'"'),
    (
        b"restart",
        _BUTTON,
        b'"dev_cla":"restart","ent_cat":"config","pl_prs":"restart","cmd_t":"',
        COMMAND,
        b'"',
    ),
    (
        b"update",
        _UPDATE,
        b'"dev_cla":"firmware","ent_cat":"config","qos":1,"pl_inst":"install","cmd_t":"',
        UPDATE,
        b'/set","stat_t":"',
        UPDATE,
        b'/state"',
    ),
    (b"display", _NOTIFY, b'"name":"Display","cmd_t":"', DISPLAY, b'"'),
    (
        b"rssi",
        _SENSOR,
        b'"dev_cla":"signal_strength","unit_of_meas":"dBm","stat_cla":"measurement",',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.rssi }}"',
    ),
    (
        b"address",
        _SENSOR,
        b'"name":"Address",',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.address }}"',
    ),
    (
        b"reset",
        _SENSOR,
        b'"name":"Last reset",',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.reset }}"',
    ),
    (
        b"uptime",
        _SENSOR,
        b'"name":"Uptime","dev_cla":"duration","unit_of_meas":"s","stat_cla":"measurement","en":false,',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.uptime }}"',
    ),
    (
        b"heap",
        _SENSOR,
        b'"name":"Free memory","dev_cla":"data_size","unit_of_meas":"B","stat_cla":"measurement",'
        b'"en":false,',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.heap_free }}"',
    ),
    (
        b"reconnects",
        _SENSOR,
        b'"name":"Reconnects","stat_cla":"total_increasing","en":false,',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.connects - 1 }}"',
    ),
)

# What every board has.
_ALWAYS = (b"light", b"identify", b"rssi", b"address", b"reset", b"uptime", b"heap", b"reconnects")


def write(pieces, words, keys):
    """Append all components to the list `pieces`: whole those of `keys` (bytes) and those that
    every board has; of the others only the platform, by which Home Assistant forgets them.
    """
    add = pieces.append
    unique = b'","uniq_id":"' + words[ID] + b"_"  # fewer pieces: the list of them takes heap, too
    separator = b'"'
    for component in _COMPONENTS:
        key = component[0]
        add(separator)
        add(key)
        add(component[1])
        if key in keys or key in _ALWAYS:
            if component[1] != _DEVICE_AUTOMATION:
                add(unique)
                add(key)
            add(b'",')
            for i in range(2, len(component)):
                piece = component[i]
                add(words[piece] if isinstance(piece, int) else piece)
            separator = b'},"'
        else:
            separator = b'"},"'
    add(separator[:-2])
