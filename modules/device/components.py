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

_EVENTS = (
    b'"dev_cla":"button","evt_typ":["press","release","long_press","double_press"],"stat_t":"'
)
_EVENT_TYPE = b'","val_tpl":"{{ value_json.event_type }}"'
_DIAGNOSTIC = b'"ent_cat":"diagnostic","stat_t":"'

# (key, platform, what else there is)
_COMPONENTS = (
    (
        b"light",
        b"light",
        b'"schema":"json","name":null,"brightness":true,"sup_clrm":["rgb"],"effect":true,'
        b'"fx_list":["off","rainbow","breathe","police","pulse"],"cmd_t":"',
        COMMAND,
        b'","stat_t":"',
        STATE,
        b'"',
    ),
    (b"a", b"event", b'"name":"Button A",', _EVENTS, BUTTON, b'/a"'),
    (b"b", b"event", b'"name":"Button B",', _EVENTS, BUTTON, b'/b"'),
    (
        b"as",
        b"device_automation",
        b'"atype":"trigger","type":"button_short_press","stype":"button_1","pl":"press","t":"',
        BUTTON,
        b"/a",
        _EVENT_TYPE,
    ),
    (
        b"al",
        b"device_automation",
        b'"atype":"trigger","type":"button_long_press","stype":"button_1","pl":"long_press","t":"',
        BUTTON,
        b"/a",
        _EVENT_TYPE,
    ),
    (
        b"bs",
        b"device_automation",
        b'"atype":"trigger","type":"button_short_press","stype":"button_2","pl":"press","t":"',
        BUTTON,
        b"/b",
        _EVENT_TYPE,
    ),
    (
        b"bl",
        b"device_automation",
        b'"atype":"trigger","type":"button_long_press","stype":"button_2","pl":"long_press","t":"',
        BUTTON,
        b"/b",
        _EVENT_TYPE,
    ),
    (b"identify", b"button", b'"dev_cla":"identify","pl_prs":"identify","cmd_t":"', COMMAND, b'"'),
    (
        b"restart",
        b"button",
        b'"dev_cla":"restart","ent_cat":"config","pl_prs":"restart","cmd_t":"',
        COMMAND,
        b'"',
    ),
    (
        b"update",
        b"update",
        b'"dev_cla":"firmware","ent_cat":"config","qos":1,"pl_inst":"install","cmd_t":"',
        UPDATE,
        b'/set","stat_t":"',
        UPDATE,
        b'/state"',
    ),
    (
        b"rssi",
        b"sensor",
        b'"dev_cla":"signal_strength","unit_of_meas":"dBm","stat_cla":"measurement",',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.rssi }}"',
    ),
    (
        b"address",
        b"sensor",
        b'"name":"Address",',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.address }}"',
    ),
    (
        b"reset",
        b"sensor",
        b'"name":"Last reset",',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.reset }}"',
    ),
    (
        b"uptime",
        b"sensor",
        b'"name":"Uptime","dev_cla":"duration","unit_of_meas":"s","stat_cla":"measurement","en":false,',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.uptime }}"',
    ),
    (
        b"heap",
        b"sensor",
        b'"name":"Free memory","dev_cla":"data_size","unit_of_meas":"B","stat_cla":"measurement",'
        b'"en":false,',
        _DIAGNOSTIC,
        STATS,
        b'","val_tpl":"{{ value_json.heap_free }}"',
    ),
    (
        b"reconnects",
        b"sensor",
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
    separator = b'"'
    for component in _COMPONENTS:
        key = component[0]
        add(separator)
        add(key)
        add(b'":{"p":"')
        add(component[1])
        if key in keys or key in _ALWAYS:
            if component[1] != b"device_automation":
                add(b'","uniq_id":"')
                add(words[ID])
                add(b"_")
                add(key)
            add(b'",')
            for i in range(2, len(component)):
                piece = component[i]
                add(words[piece] if isinstance(piece, int) else piece)
            separator = b'},"'
        else:
            separator = b'"},"'
    add(separator[:-2])
