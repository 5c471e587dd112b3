"""A plain broker: everything as it was given."""

from ..kinds import Server


def rules():
    return {"mqtt.server": (Server(1), None)}


def resolve(settings):
    settings["retain"] = True
