"""The keys of `/config.json`: each in one rule, and written down nowhere else.

A rule is (key, what it may hold, its default). None: the key must be given. A default that the
rule itself would refuse stands for the board's own value. The comment above a rule says what the
key means and in which unit: `make docs-config` makes docs/config.schema.json and the table of
docs/config.md of rules and comments, which so cost no byte on a board.

Where a service differs from a plain broker, its profile in platforms/ has the rule that holds.
"""

from . import platforms
from .kinds import (
    LETTERS,
    BoardName,
    Broker,
    Choice,
    Groups,
    HomeAssistant,
    Label,
    Name,
    Networks,
    Number,
    Section,
    Server,
    Switch,
    Text,
    Topic,
    Topics,
    Whole,
    WifiPassword,
    WithoutGroups,
    WithoutHomeAssistant,
)

MODES = ("lights", "echo")

# Whose a section's password is. A form may leave a password out that it does not know, to keep it; but
# only where these keys stay as they are, or somebody else might get it.
OWNERS = {"wifi": ("ssid",), "mqtt": ("platform", "server", "port", "user", "tls")}


def _plain_rules():
    # Made when asked for: most of a board's life nobody checks a configuration.
    return (
        # what `{name}` stands for
        ("name", BoardName(1, 12, "small letters, digits and -,"), ""),
        # what people call the board, in any language; empty: its product and the end of its id
        ("label", Text(0, 32), ""),
        ("wifi", Networks(), {}),
        # the network's name; 2.4 GHz. It may be hidden, but then not on channel 12 or 13, where the
        # board only listens
        ("wifi.ssid", Text(1, 32), None),
        # empty means an open network
        ("wifi.password", WifiPassword(), ""),
        # the board's name in the network
        (
            "wifi.hostname",
            Label(1, 32, "letters, digits and -,", LETTERS + "-"),
            "{name}-{id}",
        ),
        # seconds without an address after which the radio is asked again
        ("wifi.timeout", Number(1, 600), 30),
        ("mqtt", Broker(), {}),
        # the kind of service, see [platforms](platforms.md)
        ("mqtt.platform", Choice(*platforms.NAMES), "mqtt"),
        # the broker's name or address alone, its port goes into `mqtt.port`. On the platform `mqtt`
        # also a list of brokers, tried in turn, the last good one first: `["a.local", "b.local"]`;
        # on other platforms optional
        ("mqtt.server", Server(0), ""),
        # 0: the usual one, 1883, or 8883 with TLS
        ("mqtt.port", Number(0, 65535), 0),
        # empty: neither user nor password is sent
        ("mqtt.user", Text(0, 256), ""),
        # the user's password, or a platform's key
        ("mqtt.password", Text(0, 1024, secret=True), ""),
        # must differ from every other client's
        ("mqtt.client_id", Name(1, 128), "{name}-{id}"),
        # seconds; a dead link is found within 1.25 times this, 0 stands for 120
        ("mqtt.keepalive", Number(0, 65535), 30),
        # `false`: the broker keeps what arrives while the board is away
        ("mqtt.clean_session", Choice(True, False), True),
        # `true` encrypts without checking who the broker is
        ("mqtt.tls", Switch('false, true, or {"ca": "/ca.pem", "verify": true}'), False),
        # path of the authority's certificate on the board, PEM or DER
        ("mqtt.tls.ca", Text(1, 128, "a certificate file's path,"), None),
        # whether the broker's certificate is checked against it
        ("mqtt.tls.verify", Choice(True, False), True),
        # most messages that the board publishes in a minute; 0: as the platform allows
        ("mqtt.rate", Number(0, 600), 0),
        # minutes in the network without an answer from the broker after which the board is reset;
        # 0: never
        ("mqtt.reset_after", Number(0, 1440), 15),
        ("time", Section(), {}),
        # where the time comes from if the broker's certificate is checked: an NTP server's name or
        # address
        ("time.server", Server(1), "pool.ntp.org"),
        ("topics", Topics(), {}),
        # what the board obeys; with wildcards, keep other boards' state topics out of it, or they
        # obey each other without end
        ("topics.command", Topic(1, filter=True), "{name}/{id}/command"),
        # where it tells its state, another than `topics.command`; empty: nowhere
        ("topics.state", Topic(0), "{name}/{id}/state"),
        # `online`, and `offline` by last will; empty: nowhere
        ("topics.status", Topic(0), "{name}/{id}/status"),
        # where it tells what it is, for [pages](topics.md#what-a-board-is); empty: nowhere
        ("topics.info", Topic(0), "{name}/{id}/info"),
        # topics of groups, such as `["class/7b"]`: with `/command` behind it, each is obeyed, too
        ("topics.groups", Groups(), []),
        # where an update is asked for and told of, see [update](update.md); empty: nowhere, and no
        # update is taken. Only on the platform `mqtt`
        ("topics.update", Topic(0), "{name}/{id}/update"),
        ("update", Section(), {}),
        # which images the board takes over the air: `signed` by a key that it knows, `any`, or none
        ("update.allow", Choice("signed", "any", "never"), "signed"),
        # path of one more public key on the board, PEM, for images that you sign; empty: none
        ("update.key", Text(0, 128), ""),
        # seconds in which a new firmware must reach the broker, or the earlier one comes back
        ("update.trial", Number(60, 3600), 300),
        # where presses of the buttons are told, with `/a` and `/b` behind it
        ("topics.button", Topic(0), "{name}/{id}/button"),
        # where it tells which touch pads have a finger on them
        ("topics.touch", Topic(0), "{name}/{id}/touch"),
        # where it tells what its sensors read
        ("topics.sensors", Topic(0), "{name}/{id}/sensors"),
        # where it tells that it was shaken, tilted or turned over
        ("topics.motion", Topic(0), "{name}/{id}/motion"),
        # where texts for the display come in
        ("topics.display", Topic(0), "{name}/{id}/display"),
        # whether they are shown; with `homeassistant` they are
        ("texts", Choice(True, False), False),
        ("telemetry", Section(), {}),
        # whether presses of the buttons are told; with `homeassistant` they are
        ("telemetry.buttons", Choice(True, False), False),
        # whether touches are told; with `homeassistant` they are
        ("telemetry.touch", Choice(True, False), False),
        # whether movements are told; with `homeassistant` they are
        ("telemetry.motion", Choice(True, False), False),
        # seconds between two messages of what the sensors read; what changes is told sooner. 0: none, or
        # with `homeassistant` every 30
        ("telemetry.sensors", Number(0, 3600), 0),
        # seconds between two `stats`; 0: only when asked for, or with `homeassistant` every 60
        ("telemetry.stats", Number(0, 3600), 0),
        # `true`: Home Assistant finds the board by itself, `false`: it forgets it again, see
        # [Home Assistant](home-assistant.md)
        (
            "homeassistant",
            HomeAssistant('true, false, or {"area": "Room 7", "triggers": true}'),
            "",
        ),
        # the discovery prefix that Home Assistant was given
        ("homeassistant.prefix", Topic(1), "homeassistant"),
        # the area that a new board is suggested for; empty: none
        ("homeassistant.area", Text(0, 64), ""),
        # whether Home Assistant may restart the board
        ("homeassistant.restart", Choice(True, False), True),
        # whether the buttons are also offered as triggers of a device, in the user's language
        ("homeassistant.triggers", Choice(True, False), False),
        # drive the LEDs, or send every message back
        ("mode", Choice(*MODES), "lights"),
        # percent of full brightness that the LEDs reach at most
        ("brightness", Number(1, 100), 0),
        # whether the lamp is after each start as the broker remembers it; without effect where it
        # retains nothing
        ("restore", Choice(True, False), True),
    )


def _cloud_rules():
    # What is only for brokers of one's own.
    return {
        "topics.info": (Choice(""), ""),
        "topics.groups": (WithoutGroups(), []),
        "topics.button": (Choice(""), ""),
        "topics.touch": (Choice(""), ""),
        "topics.motion": (Choice(""), ""),
        "topics.display": (Choice(""), ""),
        "texts": (Choice(False), False),
        "telemetry.buttons": (Choice(False), False),
        "telemetry.touch": (Choice(False), False),
        "telemetry.motion": (Choice(False), False),
        "homeassistant": (WithoutHomeAssistant(), ""),
    }


def rules(platform):
    """Return the rules that hold for a platform, ((key, kind, default), ...), sections first."""
    own = {} if platform == "mqtt" or platform not in platforms.NAMES else _cloud_rules()
    own.update(platforms.profile(platform).rules() if platform in platforms.NAMES else {})
    return [(key,) + own.get(key, (kind, default)) for key, kind, default in _plain_rules()]


def schema(platform):
    """Return the Section that checks and completes a whole configuration for a platform."""
    root = Whole()
    for key, kind, default in rules(platform):
        section = root
        *sections, name = key.split(".")
        for each in sections:
            section = section.kind(each)
        # What a platform puts in the place of a section knows no keys of its own.
        if isinstance(section, Section):
            section.rules.append((name, kind, default))
    return root
