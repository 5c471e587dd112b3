"""Fuzz what a board takes in an update: commands, keys, images, pieces, URLs, answers of servers.

    python -m tests.device.update.fuzz --seconds 900

It runs in the simulated firmware, whose json, str and bytes are those of the boards, in processes of
1000 inputs each. Whatever comes in, nothing may crash, nothing be erased before signature and first
block are good, and nothing be started but the image that was signed.
"""

from __future__ import annotations

import argparse
import itertools
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulated_board import DEFAULT_BOARD, program as simulator
from tests.device.update import vectors
from tests.device.update.stand_ins import make_command, make_image, program

BATCH = 1000
WORKERS = 2

IMAGE = make_image(blocks=2.5)

SCRIPT = r"""
import random

PIECE = 2048
CHECKED = [0, 12, 13, 23, 32, 33, 34, 35] + list(range(48, 48 + len("mpython/1.3.0") + 1))
INTERESTING = b'"\\{}[]:,0123456789eE+-.\0\r\n\x7f\xff u/@%'
MANIFEST = json.loads(COMMAND)["manifest"]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://192.168.1.6/b.bin\r\nContent-Length: 0\r\n\r\n"
builtins_print = print
random.seed(SEED)


def pick(size):
    return random.randrange(size) if size else 0


def damage(data):
    data = bytearray(data)
    for _ in range(1 + pick(3)):
        kind = pick(7)
        at = pick(len(data))
        end = at + pick(40)
        if kind == 0 and data:
            data[at] ^= 1 << pick(8)
        elif kind == 1 and data:
            data[at] = INTERESTING[pick(len(INTERESTING))]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:at] + data[at:end] + data[at:]
        elif kind == 4:
            data = data[:at]
        elif kind == 5:
            noise = bytes([pick(256) for _ in range(pick(20))])
            data = data[:at] + noise + data[at:]
        else:
            other = pick(len(data))
            data = data[:at] + data[other : other + end - at] + data[end:]
    return bytes(data)


def untouched(board, what):
    assert board.other.erases == board.other.writes == 0, what
    assert not board.other.is_chosen and slot.wanted() is None, what


def finish(board):
    if board.updates.work is not None:
        board.hear(b"cancel")
        board.step()
    board.check_rest()


def fuzz_command():
    message = damage(COMMAND)
    board = Board()
    board.hear(message)
    if board.updates.work is not None:
        # Damaged where it does not count; what was signed is as it was.
        assert json.loads(message)["manifest"] == MANIFEST, message
    untouched(board, message)
    finish(board)


def fuzz_signed_text():
    # The damage is in the manifest alone, and the JSON around it whole.
    values = json.loads(COMMAND)
    values["manifest"] = MANIFEST
    if pick(2):
        values["manifest"] = "".join([chr(byte) for byte in damage(MANIFEST.encode())])
    text = values["signature"].encode()
    values["signature"] = "".join([chr(byte) for byte in damage(text) if 32 <= byte < 127])
    board = Board()
    board.hear(json.dumps(values).encode())
    if board.updates.work is not None:
        assert values["manifest"] == MANIFEST, values
        assert binascii.a2b_base64(values["signature"]) == binascii.a2b_base64(text), values
    untouched(board, values)
    finish(board)


def fuzz_offer():
    board = Board()
    board.hear(damage(COMMAND), b"mpython/update/offer", True)
    board.hear(b"install")
    board.hear(damage(COMMAND), b"mpython/update/offer", True)
    untouched(board, "offer")
    finish(board)


def fuzz_head():
    board = Board()
    board.hear(COMMAND)
    head = (damage(IMAGE[:300]) + IMAGE[300:])[:BLOCK]
    head += bytes(BLOCK - len(head))
    board.step()
    board.answer(head)
    if [at for at in CHECKED if head[at] != IMAGE[at]]:
        untouched(board, head[:300])
    assert not board.other.is_chosen
    finish(board)


def fuzz_pieces():
    board = Board()
    board.hear(COMMAND)
    odds = 1 + pick(8)
    board.wish = lambda offset, piece: piece if pick(odds) else damage(piece)
    if board.run(IMAGE, seconds=1000):
        assert bytes(board.other.data[: len(IMAGE)]) == IMAGE
    else:
        assert not board.other.is_chosen
        board.check_rest()


def fetch(url, answers):
    Transport.answers[:] = answers
    Transport.made.clear()
    Transport.requests.clear()
    board = Board()
    board.hear(COMMAND.replace(b'"source": "mqtt"', b'"source": ' + json.dumps(url).encode()))
    return board


def fuzz_url():
    url = damage(b"http://192.168.1.5:8000/a/b.bin?c=d#e")
    url = "".join([chr(byte) for byte in url])
    board = fetch(url, [])
    for _ in range(3):
        board.step(3000)
    for request in Transport.requests:
        assert request.count(b"\r\n\r\n") == 1, request
    untouched(board, url)
    finish(board)


def fuzz_answer():
    answers = [[damage(ANSWER)] for _ in range(3)]
    if pick(2):
        answers.insert(0, [damage(REDIRECT)])
    board = fetch("http://192.168.1.5:8000/a.bin", answers)
    if board.run(None, seconds=1000):
        assert bytes(board.other.data[: len(IMAGE)]) == IMAGE
    else:
        assert not board.other.is_chosen
        board.check_rest()
    assert Transport.open_now == 0


def fuzz_key():
    from device.update.manifest import modulus

    try:
        key = modulus(damage(KEY))
    except ValueError:
        return
    assert len(key) >= 256


FUZZ = [fuzz_command] * 6 + [fuzz_signed_text] * 6 + [fuzz_offer] * 2 + [fuzz_head] * 4
FUZZ += [fuzz_url] * 6 + [fuzz_answer] * 3 + [fuzz_pieces] * 1 + [fuzz_key] * 4


def silence(*_, **__):
    pass


import builtins

builtins.print = silence  # a line for each refusal
for number in range(COUNT):
    real_gc.collect() if number % 20 == 0 else None
    FUZZ[pick(len(FUZZ))]()
builtins.print = builtins_print
print("ok")
"""


def fuzz_program(seed: int, count: int, key_file: Path) -> str:
    """Return a program for the firmware; it writes nothing but its key's file."""
    key = vectors.public_pem(vectors.make_key(2048))
    key_file.write_bytes(key)
    constants = {"SEED": seed, "COUNT": count, "KEY": key, "KEY_FILE": str(key_file)}
    return program(SCRIPT, IMAGE=IMAGE, COMMAND=make_command(IMAGE), **constants)


def run_batch(folder: Path, seed: int, count: int) -> str:
    """Return what went wrong, "" if nothing did."""
    script = folder / f"fuzz-{seed}.py"
    script.write_text(fuzz_program(seed, count, folder / f"fuzz-{seed}.pub"))
    result = subprocess.run(
        [simulator(DEFAULT_BOARD), script], cwd=folder, capture_output=True, text=True
    )
    passed = result.returncode == 0 and result.stdout.endswith("ok\n")
    return "" if passed else f"seed {seed}: {result.stdout[-1500:]}{result.stderr[-1500:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    # Another one each time: what was tried before is not tried again.
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 30))
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    seeds = itertools.count(options.seed)

    def work(folder: Path) -> int:
        # Batch after batch; return how many inputs those were.
        count = 0
        while time.monotonic() < end:
            if problem := run_batch(folder, next(seeds), BATCH):
                sys.exit(problem)
            count += BATCH
        return count

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(WORKERS) as pool:
        count = sum(pool.map(work, [Path(name)] * WORKERS))
    print(f"{count} damaged inputs: no crash, nothing erased or started that was not signed")


if __name__ == "__main__":
    main()
