"""DFRobot's Easy IoT: it makes the topics, and takes nothing retained."""

from ..kinds import Text, Topic


def rules():
    return {
        "mqtt.user": (Text(1, 256, "the Iot_id,"), None),
        "mqtt.password": (Text(1, 1024, "the Iot_pwd,", secret=True), None),
        "topics.command": (Topic(1), None),
        "topics.state": (Topic(0), ""),
        "topics.status": (Topic(0), ""),
        "topics.sensors": (Topic(0), ""),
    }


def resolve(settings):
    mqtt = settings["mqtt"]
    mqtt["server"] = mqtt["server"] or "iot.dfrobot.com.cn"
