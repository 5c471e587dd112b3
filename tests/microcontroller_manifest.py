# What the emulated microcontroller has frozen: the modules that need neither network nor clock,
# and umqtt, which gets stand-ins for both (umqtt/mcu/idle_client.py).
freeze("../modules", ("topicmatch.py", "topicmatch_py.py", "timers.py"))
UMQTT = ("protocol", "transport", "simple", "robust")
freeze("../modules", tuple("umqtt/%s.py" % name for name in UMQTT))
# What checks the signature of an update.
UPDATE = ("__init__", "json_text", "update/__init__", "update/manifest")
freeze("../modules", tuple("device/%s.py" % name for name in UPDATE))
