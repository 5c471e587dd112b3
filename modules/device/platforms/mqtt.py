"""A plain broker: everything as it was given."""

from ..kinds import Servers


def rules():
    return {"mqtt.server": (Servers(1), None)}


def resolve(settings):
    settings["retain"] = True
