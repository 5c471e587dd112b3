"""What arrives for updates: commands, and offers."""

import board
import time
import version

from ..report import is_command
from . import messages
from .manifest import Command, UpdateError, numbers


def hear(updates, topic, message, retained):
    """Act on a message on `<t>/set` or on the offer's topic."""
    if topic == updates.offer_topic:
        _hear_offer(updates, message)
    elif retained:
        print("update: a retained command is ignored; publish it without retain")
    elif is_command(message, b"install"):
        _install(updates)
    elif is_command(message, b"cancel"):
        if updates.work is not None:
            updates.work.cancel()
    else:
        begin(updates, message)


def begin(updates, message):
    """Take a command (bytes): the update begins, or is refused with a reason."""
    from .download import Download

    command = Command()
    try:
        command.read(message)
        if updates.work is not None:
            updates.work.refuse_another()
        messages.tell_result(updates, "checking", command)
        updates.work = Download(updates, command)
    except UpdateError as error:
        code, reason = error.args
        print("update: %s" % reason)
        messages.tell_result(updates, "refused", command, None, code, reason)


def _install(updates):
    # The offer was not kept: it is asked for once more, for a retained message comes with each
    # subscription [MQTT-3.8.4-3].
    if updates.is_offered:
        updates.is_installing = True
        updates.link.client.session.subscribe(updates.offer_topic, 1)
    else:
        reason = "nothing is offered for %s" % board.NAME
        print("update: %s" % reason)
        messages.tell_result(updates, "refused", None, None, "offer", reason)


def _hear_offer(updates, message):
    before = updates.latest
    try:
        updates.latest = _offered_version(updates, message)
        updates.is_offered = bool(message)
    except UpdateError as error:
        print("update: the offer is of no use: %s" % error.args[1])
    if updates.is_installing:
        updates.is_installing = False
        begin(updates, message)
    elif updates.latest != before:
        updates.offered_at = time.ticks_ms()


def _offered_version(updates, message):
    # The version to show; "" for one that would be refused anyway. Its signature is looked at
    # when it is to be installed.
    if not message:
        return ""
    command = Command()
    command.read(message)
    if command.board != board.NAME or updates.settings["allow"] == "never":
        return ""
    older = numbers(command.version) < numbers(version.VERSION)
    if older and not command.may_be_older(updates.settings["allow"]):
        return ""
    if command.sha256 == messages.fallen_sha256() and not command.again:
        return ""
    return command.version
