"""The check of signatures in its three places: CPython, the simulated board, a 32-bit chip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ci.board.device_config import device_module
from tests.device.update import vectors
from tests.microcontroller import Microcontroller
from tests.umqtt.protocol.cpython import firmware_modules

with firmware_modules():
    manifest = device_module("update.manifest")

# One signature by a key of 3072 bits on a 32-bit chip; on ESP32 about 0.2 s. Bytes with garbage.
MAX_INSTRUCTIONS = 27_000_000
MAX_HEAP = 6_000

COUNT = """
import gc, machine
from device.update.manifest import is_signed

TIMER = 0x40000000  # counts down at 25 MHz, and a nanosecond is an instruction
machine.mem32[TIMER + 8] = machine.mem32[TIMER + 4] = 0xffffffff
machine.mem32[TIMER] = 1
_, message, signature, key, _ = VECTORS[0]
gc.collect()
gc.disable()
used = gc.mem_alloc()
start = machine.mem32[TIMER + 4]
assert is_signed(message, signature, key)
print((start - machine.mem32[TIMER + 4]) * 40, gc.mem_alloc() - used)
"""


def test_signatures_are_judged() -> None:
    for name, message, signature, key, is_good in vectors.all_vectors():
        assert manifest.is_signed(message, signature, key) == is_good, (len(key) * 8, name)


@pytest.mark.simulator
def test_signatures_are_judged_on_simulated_board(
    tmp_path: Path, run_script: Callable[..., str]
) -> None:
    script = tmp_path / "vectors.py"
    script.write_text(vectors.program(vectors.all_vectors()))
    run_script(script)


@pytest.mark.qemu
def test_signatures_are_judged_on_32_bit_chip() -> None:
    all_of_them = vectors.make_vectors(2048)
    with Microcontroller() as chip:
        for first in range(0, len(all_of_them), 6):  # its memory is small
            assert "ok" in chip.run(vectors.program(all_of_them[first : first + 6]))


@pytest.mark.qemu
def test_signature_of_3072_bits_takes_little() -> None:
    genuine = vectors.make_vectors(3072)[:1]
    with Microcontroller(counting=True) as chip:
        printed = chip.run(f"VECTORS = {[tuple(each) for each in genuine]!r}\n{COUNT}")
    instructions, heap = map(int, printed.split())
    assert instructions <= MAX_INSTRUCTIONS and heap <= MAX_HEAP, printed


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_public_key_in_pem_is_read(bits: int) -> None:
    key = vectors.make_key(bits)
    assert manifest.modulus(vectors.public_pem(key)) == vectors.modulus(key)


def test_text_before_public_key_is_passed_over() -> None:
    key = vectors.make_key(2048)
    pem = b"the school's key\n" + vectors.public_pem(key) + b"\n"
    assert manifest.modulus(pem) == vectors.modulus(key)


def test_damaged_public_key_is_refused() -> None:
    pem = vectors.public_pem(vectors.make_key(2048))
    lines = pem.split(b"\n")
    bad = [b"", b"-----BEGIN PUBLIC KEY-----", pem[:-60], pem.replace(b"IB", b"", 1)]
    bad += [b"\n".join(lines[:2] + lines[3:]), vectors.public_pem(vectors.make_key(1024))]
    for data in bad:
        with pytest.raises(ValueError):
            manifest.modulus(data)


def test_public_exponent_must_be_65537() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    with pytest.raises(ValueError):
        manifest.modulus(vectors.public_pem(rsa.generate_private_key(3, 2048)))
