"""What a command of an update says, and whether it may be believed: docs/update.md, "The protocol".

No input and no output; runs under CPython too, where it is fuzzed.
"""

import binascii
import hashlib
import json
from micropython import const

from ..json_text import find_error

_MIN_KEY = const(256)  # bytes: RSA with 2048 bits
_EXPONENT = const(65537)
_DIGITS = "0123456789abcdef"

# What stands before the digest in a signature: DigestInfo for SHA-256 [RFC 8017, 9.2 note 1].
_PREFIX = (
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"  # and 32 bytes
)

# A public key in DER: 33 bytes, the modulus, and the exponent, an integer of three bytes.
_BEFORE_MODULUS = const(33)
_AFTER_MODULUS = b"\x02\x03\x01\x00\x01"


class UpdateError(Exception):
    """Why an update is refused or stops; the arguments are the result's code and reason."""


def _not_understood(what):
    return UpdateError("command", "the command is not understood: %s" % what)


def _parse(text, what):
    # MicroPython's json lets commas, colons and brackets be missing.
    values = None if find_error(text, unique=True) else json.loads(text)
    if not isinstance(values, dict):
        raise _not_understood(what)
    return values


def _text(values, key, length, letters=None):
    # A text of `length` at most; of exactly `length` if it is made of `letters`.
    value = values.get(key)
    if isinstance(value, str) and 0 < len(value) <= length:
        if (
            all([" " < letter < "\x7f" for letter in value])
            if letters is None
            else (len(value) == length and all([letter in letters for letter in value]))
        ):
            return value
    raise _not_understood(key)


def numbers(version):
    """Return the (major, minor, patch) of a version text; without the commit behind them.

    "v5.5" counts as 5.5.0. Raises UpdateError.
    """
    parts = version.lstrip("v").split("-")[0].split(".")
    if not 2 <= len(parts) <= 3 or not all([p.isdigit() and len(p) < 6 for p in parts]):
        raise _not_understood("version")
    return tuple([int(part) for part in parts + ["0"]][:3])


class Command:
    """A command, taken apart; nothing of it is believed yet.

    id, source: str. again: bool. Of the manifest: board, version, sha256, idf: str; size: bytes of
    the image. id and version are "" until they have been read.
    """

    id = version = ""

    def read(self, message):
        """Take a message (bytes) apart. Raises UpdateError if it is not a whole command."""
        try:
            self._read(_parse(message.decode(), "no JSON"))
        except UnicodeError:
            raise _not_understood("no UTF-8")

    def _read(self, values):
        self.id = _text(values, "id", 8, _DIGITS)
        self.source = _text(values, "source", 2048)
        self.again = values.get("again") is True
        self._asks_for_older = values.get("older") is True
        self._signature = values.get("signature")
        text = values.get("manifest")
        if not isinstance(text, str):
            raise _not_understood("manifest")
        self._signed = text.encode()
        manifest = _parse(text, "manifest")
        if manifest.get("format") != 1:
            raise _not_understood("format")
        self.board = _text(manifest, "board", 31)
        self.version = _text(manifest, "version", 30 - len(self.board))
        self.sha256 = _text(manifest, "sha256", 64, _DIGITS)
        self.idf = _text(manifest, "idf", 31)
        self.size = manifest.get("size")
        if type(self.size) is not int or self.size < 4096:
            raise _not_understood("size")
        self._is_older_signed = manifest.get("older") is True

    def may_be_older(self, allow):
        """Return whether an older version may be taken; `allow` is the setting update.allow."""
        return self._is_older_signed or (self._asks_for_older and allow == "any")

    def is_signed_by(self, keys):
        """Return whether one of `keys`, each as `modulus` returns it, has signed the manifest.

        Takes a chip about 0.2 s for each key of 3072 bits, and 4 KB of heap for that time.
        """
        try:
            signature = binascii.a2b_base64(self._signature)
        except (TypeError, ValueError):
            return False
        return any([is_signed(self._signed, signature, key) for key in keys])


def is_signed(message, signature, key):
    """Return whether `signature` is that of `message` by `key`: RSASSA-PKCS1-v1_5 with SHA-256.

    All are bytes, `key` the modulus. What must have been signed is built and compared as a whole:
    to take the block apart instead is what forgeries live on [RFC 8017, 8.2.2].
    """
    size = len(key)
    modulus = int.from_bytes(key, "big")
    number = int.from_bytes(signature, "big")
    if size < _MIN_KEY or len(signature) != size or number >= modulus:
        return False
    end = _PREFIX + hashlib.sha256(message).digest()
    block = b"\x00\x01" + b"\xff" * (size - 3 - len(end)) + b"\x00" + end
    return pow(number, _EXPONENT, modulus).to_bytes(size, "big") == block


def modulus(pem):
    """Return the modulus (bytes) of a public RSA key in PEM (bytes).

    ValueError if it is none of 2048 bits or more with the exponent 65537.
    """
    parts = pem.split(b"-----")
    der = binascii.a2b_base64(parts[2]) if len(parts) > 3 else b""
    key = der[_BEFORE_MODULUS : -len(_AFTER_MODULUS)]
    head = b"\x02\x82" + (len(key) + 1).to_bytes(2, "big") + b"\x00"  # a positive integer
    if (
        len(key) < _MIN_KEY
        or key[0] < 0x80
        or der[_BEFORE_MODULUS - len(head) : _BEFORE_MODULUS] != head
        or der[-len(_AFTER_MODULUS) :] != _AFTER_MODULUS
    ):
        raise ValueError("no public RSA key of 2048 bits or more")
    return key
