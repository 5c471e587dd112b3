"""What an image says of itself in its first bytes (ESP-IDF's esp_image_header_t, esp_app_desc_t).

No input and no output; runs under CPython too.
"""

from micropython import const

HEAD = const(208)  # bytes that hold all of it

_VERSION = const(48)
_IDF = const(144)
_BUILD = const(176)


def _text(head, offset):
    # 32 bytes, filled up with zeros.
    try:
        return bytes(head[offset : offset + 32]).split(b"\0")[0].decode()
    except UnicodeError:
        return ""


def is_application(head):
    """Return whether `head`, bytes from an image's first on, is that of an ESP32's application.

    A boot loader, with which -update.bin and -factory.bin begin, has the same first byte and no
    description at 32.
    """
    return (
        head[0] == 0xE9
        and head[12:14] == b"\0\0"
        and head[23] == 1
        and head[32:36] == b"\x32\x54\xcd\xab"
    )


def name(head):
    """Return "<board>/<version>"."""
    return _text(head, _VERSION)


def version(head):
    """Return the version, "" if the image tells none."""
    return name(head).partition("/")[2]


def idf(head):
    """Return the version of ESP-IDF, as "v5.5.1"."""
    return _text(head, _IDF)


def build(head):
    """Return the 32 bytes that tell one build from another."""
    return bytes(head[_BUILD : _BUILD + 32])
