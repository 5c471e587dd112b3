"""Sign images for updates over the air (docs/update.md, "Manifest").

    python -m ci.image.signing [--key FILE]     make a key, and its public half beside it

-app.json says of the -app.bin beside it what it is, and whose it is. Boards take an image over the
air only if they know the public half of the key; over USB they take any.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ci.problem import Problem, run

# Of 128 bits' strength, and checked by a board in 0.2 s.
_KEY_SIZE = 3072
_MIN_KEY_SIZE = 2048  # what boards take
_EXPONENT = 65537

_MAGIC = (32, struct.pack("<L", 0xABCD5432))  # esp_app_desc_t
_NAME = 48  # board and version
_IDF = 144
_TEXT = 32

PrivateKey = rsa.RSAPrivateKey


def default_key() -> Path:
    """Return where `make ota-key` puts a key, and where it is looked for."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "mqtt-boards" / "ota-key.pem"


def public_path(key: Path) -> Path:
    """Return where the public half of a key lies."""
    return key.with_name(f"{key.stem}.pub")


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def fingerprint(key: PrivateKey) -> str:
    """Return a name for a key: 16 digits of the SHA-256 of its public half."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()[:16]


def make_key(path: Path) -> PrivateKey:
    """Make a key that its owner alone can read. Raises Problem if there is one already."""
    key = rsa.generate_private_key(_EXPONENT, _KEY_SIZE)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(pem)
        public_path(path).write_bytes(public_pem(key))
    except FileExistsError:
        raise Problem(
            f"{path} is there already, and boards may know it: move it away if it is not needed"
        ) from None
    except OSError as error:
        raise Problem(f"{error.filename} cannot be written: {error.strerror}") from error
    return key


def load_key(given: str = "") -> PrivateKey | None:
    """Return the key to sign with; None if there is none.

    `given` is its file, else OTA_KEY in the environment is that or the PEM text itself, as a CI's
    secret; else it is where `make ota-key` puts it. Raises Problem if what is named cannot be used.
    """
    secret = "" if given else os.environ.get("OTA_KEY", "").strip()
    if secret.startswith("-----BEGIN"):
        return parse_key(secret.encode(), "OTA_KEY in the environment")
    named = given or secret
    path = Path(named).expanduser() if named else default_key()
    if not named and not path.exists():
        return None
    try:
        return parse_key(path.read_bytes(), str(path))
    except OSError as error:
        if secret:  # which may be a key that was not copied whole: it must not get into a log
            raise Problem(
                "OTA_KEY in the environment is neither a key, whose text begins with -----BEGIN, "
                f"nor a file with one: {error.strerror}"
            ) from None
        raise Problem(f"the key {path} cannot be read: {error.strerror}") from error


def parse_key(pem: bytes, source: str) -> PrivateKey:
    """Return the private key in `pem`. Raises Problem if boards could not check what it signs."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise Problem(
            f"{source} holds no private key in PEM without a password: make one with `make ota-key`"
        ) from error
    numbers = key.public_key().public_numbers() if isinstance(key, PrivateKey) else None
    if numbers is None or numbers.e != _EXPONENT or key.key_size < _MIN_KEY_SIZE:
        raise Problem(
            f"{source} is not an RSA key of {_MIN_KEY_SIZE} bits or more with the exponent "
            f"{_EXPONENT}: make one with `make ota-key`"
        )
    return key


def _text(image: bytes, offset: int) -> str:
    return image[offset : offset + _TEXT].split(b"\0")[0].decode("ascii", "replace")


def image_name(image: bytes, source: str) -> tuple[str, str]:
    """Return the board and the version that an application says it is for.

    Raises Problem, naming `source`, if it is none that boards take over the air.
    """
    offset, magic = _MAGIC
    if image[:1] != b"\xe9" or image[offset : offset + len(magic)] != magic:
        raise Problem(f"{source} is no application; for updates over the air give the -app.bin")
    board, slash, version = _text(image, _NAME).partition("/")
    if not slash:
        raise Problem(f"{source} does not say which board it is for: build it again")
    return board, version


def manifest_text(image: bytes, source: str) -> str:
    """Return the manifest of an application: the text that is signed, byte for byte."""
    board, version = image_name(image, source)
    return json.dumps(
        {
            "format": 1,
            "board": board,
            "version": version,
            "size": len(image),
            "sha256": hashlib.sha256(image).hexdigest(),
            "idf": _text(image, _IDF),
        }
    )


def signed_manifest(image: bytes, key: PrivateKey | None, source: str) -> dict[str, str]:
    """Return what a -app.json holds: the manifest, and its signature if there is a key."""
    text = manifest_text(image, source)
    signed = {"manifest": text}
    if key is not None:
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        signed["signature"] = base64.b64encode(signature).decode()
    return signed


def is_signed_by(signed: dict[str, Any], key: PrivateKey) -> bool:
    """Return whether `key` has signed the manifest of a -app.json."""
    try:
        signature = base64.b64decode(signed.get("signature", ""), validate=True)
        text = signed["manifest"].encode()
        key.public_key().verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def read_manifest(path: Path, image: bytes) -> dict[str, str]:
    """Return what the -app.json `path` holds. Raises Problem if it is not that of `image`."""
    try:
        signed = json.loads(path.read_text(encoding="utf-8"))
        manifest = json.loads(signed["manifest"])
        belongs = (manifest["size"], manifest["sha256"]) == (
            len(image),
            hashlib.sha256(image).hexdigest(),
        )
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is damaged: build or download it again") from error
    if not belongs:
        raise Problem(f"{path.name} belongs to another image: build or download both again")
    return signed


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="ota-key", description="Make a key to sign images with.")
    parser.add_argument("--key", default="")
    options = parser.parse_args(arguments)
    path = Path(options.key).expanduser() if options.key else default_key()
    key = make_key(path)
    public = public_path(path)
    print(f"{path} is the key, fingerprint {fingerprint(key)}: keep it, and show it to nobody.")
    print(f"{public} is its public half. Each board gets it over USB, once: write")
    print('    "update": {"key": "/update.pub"}')
    print("into your class.json and type `make config FILE=class.json`; or, by itself,")
    print(f"    make put FILE={public} AS=/update.pub")
    print("Then build, and `make ota`: docs/update.md.")


if __name__ == "__main__":
    run(main)
