"""Signatures, right and forged, for each place in which the firmware checks one."""

from __future__ import annotations

import functools
import hashlib
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

MESSAGE = b'{"format": 1, "board": "mpython", "version": "1.3.0"}'

# DigestInfo with SHA-256 as it must be [RFC 8017, 9.2], and as a careless reader would take it, too.
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201" + "0420")
_LONG_LENGTH = bytes.fromhex("308131300d060960864801650304020105000420")
_SHA512 = bytes.fromhex("3031300d060960864801650304020305000420")


class Vector(NamedTuple):
    name: str
    message: bytes
    signature: bytes
    modulus: bytes
    is_good: bool


@functools.cache
def make_key(bits: int, number: int = 0) -> rsa.RSAPrivateKey:
    """Return a key, the same one in each call; `number` tells keys of one size apart."""
    return rsa.generate_private_key(65537, bits)


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def modulus(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_numbers().n.to_bytes(key.key_size // 8, "big")


def sign(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def sign_block(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """Apply the private key to a block of any form, as no library would."""
    numbers = key.private_numbers()
    number = pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n)
    return number.to_bytes(key.key_size // 8, "big")


def make_vectors(bits: int) -> list[Vector]:
    """Return signatures of MESSAGE by a key of `bits`, and what must not pass for one."""
    key = make_key(bits)
    n = key.public_key().public_numbers().n
    size = bits // 8
    genuine = sign(key, MESSAGE)
    digest = hashlib.sha256(MESSAGE).digest()

    def block(
        end: bytes = _DIGEST_INFO + digest,
        start: bytes = b"\0\1",
        separator: bytes = b"\0",
        trailing: bytes = b"",
        fill: bytes = b"\xff",
    ) -> bytes:
        rest = separator + end + trailing
        return start + fill * (size - len(start) - len(rest)) + rest

    whole = block()
    assert sign_block(key, whole) == genuine
    broken = bytearray(whole)
    broken[size // 4] = 0
    bad = {
        "another message": sign(key, MESSAGE + b" "),
        "another key": sign(make_key(bits, 1), MESSAGE),
        "zero": bytes(size),
        "one": (1).to_bytes(size, "big"),
        "n - 1": (n - 1).to_bytes(size, "big"),
        "n": n.to_bytes(size, "big"),
        "nothing": b"",
        "a byte short": genuine[1:],
        "a zero in front": b"\0" + genuine,
        "a byte behind": genuine + b"\0",
        "the block itself": whole,
        "a hole in the padding": sign_block(key, bytes(broken)),
        "padding of zeros": sign_block(key, block(fill=b"\0")),
        "short padding, bytes behind the digest": sign_block(
            key, block(start=b"\0\1" + 8 * b"\xff", fill=b"", trailing=bytes(size - 62))
        ),
        "one byte behind the digest": sign_block(key, block(trailing=b"\0")),
        "no separator": sign_block(key, block(separator=b"\xff")),
        "block type 2": sign_block(key, block(start=b"\0\2")),
        "block type 0": sign_block(key, block(start=b"\0\0")),
        "DigestInfo without NULL": sign_block(key, block(_WITHOUT_NULL + digest)),
        "DigestInfo with a long length": sign_block(key, block(_LONG_LENGTH + digest)),
        "DigestInfo of SHA-512": sign_block(key, block(_SHA512 + digest)),
        "the digest alone": sign_block(key, block(digest)),
        "a digest cut short": sign_block(key, block(_DIGEST_INFO + digest[:-1])),
    }
    if (number := int.from_bytes(genuine, "big") + n).bit_length() <= bits:
        bad["n more"] = number.to_bytes(size, "big")
    vectors = [Vector("genuine", MESSAGE, genuine, modulus(key), True)]
    vectors += [Vector(name, MESSAGE, data, modulus(key), False) for name, data in bad.items()]
    return vectors


def all_vectors() -> list[Vector]:
    """Return the vectors of all sizes that keys have, and one of a key that is too short."""
    short = make_key(1024)
    vector = Vector("1024 bits", MESSAGE, sign(short, MESSAGE), modulus(short), False)
    return [*make_vectors(2048), *make_vectors(3072), make_vectors(4096)[0], vector]


# For the firmware: VECTORS stands in front of it.
PROGRAM = """
from device.update.manifest import is_signed

for name, message, signature, key, is_good in VECTORS:
    assert is_signed(message, signature, key) == is_good, name
print("ok")
"""


def program(vectors: list[Vector]) -> str:
    """Return a program for the firmware that checks the vectors, and then prints ok."""
    return f"VECTORS = {[tuple(vector) for vector in vectors]!r}\n{PROGRAM}"
