"""The keys that Home Assistant's MQTT discovery takes, of those that the boards use.

Each with the first release that knows it; all are there in 2026.11, the newest that was read
(homeassistant/components/mqtt: abbreviations.py, schemas.py, and each platform's schema).
A key that is not known rejects a whole device message where it stands at the top or in `dev` or
`o`; in a component it is dropped without a word.
"""

FIRST_WITH_DEVICE_MESSAGES = "2024.11"

TOP = {"dev", "o", "avty_t", "stat_t", "cmd_t", "cmps"}
DEVICE = {"ids", "cns", "name", "mf", "mdl", "sw", "sn", "sa"}
ORIGIN = {"name"}

_ENTITY = {"p", "uniq_id", "name", "dev_cla", "ent_cat", "en", "ic"}
COMPONENTS = {
    "light": _ENTITY
    | {"schema", "brightness", "sup_clrm", "effect", "fx_list", "cmd_t", "stat_t"},
    "event": _ENTITY | {"evt_typ", "stat_t"},
    "device_automation": {"p", "atype", "type", "stype", "pl", "t", "val_tpl"},
    "button": _ENTITY | {"pl_prs", "cmd_t"},
    "notify": _ENTITY | {"cmd_t"},
    "update": _ENTITY | {"qos", "pl_inst", "cmd_t", "stat_t"},
    "binary_sensor": _ENTITY | {"stat_t", "val_tpl"},
    "sensor": _ENTITY | {"unit_of_meas", "stat_cla", "sug_dsp_prc", "stat_t", "val_tpl"},
}

# Units are checked by device class; another one is refused from 2025.7 on.
UNITS = {"signal_strength": "dBm", "duration": "s", "data_size": "B", "temperature": "°C"}

# What Home Assistant keeps statistics of.
STATISTICS = {"light_level", "light_left", "light_right", "sound", "temperature"}
STATISTICS |= {"rssi", "heap", "reconnects"}

# What a sensor may be filed under; `config` is for what takes commands.
CATEGORIES = {"sensor": {None, "diagnostic"}, "binary_sensor": {None, "diagnostic"}}

# Every key that a release has used, with its platform: part of an entity's identity. One that is no
# longer used stays here, and is sent with its platform alone.
COMPONENT_KEYS = {
    "light": "light",
    "a": "event",
    "b": "event",
    "as": "device_automation",
    "al": "device_automation",
    "bs": "device_automation",
    "bl": "device_automation",
    "pad_p": "binary_sensor",
    "pad_y": "binary_sensor",
    "pad_t": "binary_sensor",
    "pad_h": "binary_sensor",
    "pad_o": "binary_sensor",
    "pad_n": "binary_sensor",
    "light_level": "sensor",
    "light_left": "sensor",
    "light_right": "sensor",
    "sound": "sensor",
    "temperature": "sensor",
    "x": "sensor",
    "y": "sensor",
    "z": "sensor",
    "motion": "event",
    "identify": "button",
    "restart": "button",
    "update": "update",
    "display": "notify",
    "rssi": "sensor",
    "address": "sensor",
    "reset": "sensor",
    "uptime": "sensor",
    "heap": "sensor",
    "reconnects": "sensor",
}

_EVERYWHERE = {
    "light",
    "a",
    "b",
    "identify",
    "rssi",
    "address",
    "reset",
    "uptime",
    "heap",
    "reconnects",
}
_EVERYWHERE |= {"restart", "update", "as", "al", "bs", "bl", "x", "y", "z", "motion"}

# What a board has, with all that can be switched on. A third one is tried once it has a row.
OF_BOARD = {
    "mpython": _EVERYWHERE | {f"pad_{letter}" for letter in "python"} | {"light_level", "sound"},
    "bpi-bit": _EVERYWHERE | {"light_left", "light_right", "temperature", "display"},
}
