"""A QR code of version 3-L: 29 x 29 modules, up to 53 bytes (ISO/IEC 18004).

The largest that the display shows at two dots a module.
"""

import framebuf
from micropython import const

SIZE = const(29)
MAX_BYTES = const(53)

_DATA = const(55)  # codewords
_CHECK = const(15)  # codewords of Reed-Solomon
_FORMAT = const(0x77C4)  # level L and mask 0, with their own check bits and mask (annex C)


def _check_codewords(data):
    # The remainder of the data over the generator polynomial, in GF(256) modulo 0x11D.
    exp = bytearray(256)
    log = bytearray(256)
    power = 1
    for i in range(255):
        exp[i] = power
        log[power] = i
        power = power << 1 ^ (0x11D if power & 128 else 0)
    generator = bytearray(_CHECK)  # without its highest coefficient, which is 1
    generator[-1] = 1
    for root in range(_CHECK):
        for i in range(_CHECK):
            factor = generator[i]
            generator[i] = exp[(log[factor] + root) % 255] if factor else 0
            if i + 1 < _CHECK:
                generator[i] ^= generator[i + 1]
    remainder = bytearray(_CHECK)
    for byte in data:
        factor = byte ^ remainder[0]
        for i in range(_CHECK):
            remainder[i] = remainder[i + 1] if i + 1 < _CHECK else 0
            if factor and generator[i]:
                remainder[i] ^= exp[(log[generator[i]] + log[factor]) % 255]
    return remainder


def _codewords(text):
    # Mode "bytes", the length, the bytes, an end of four zeros; then 0xEC and 0x11 in turn.
    padded = bytearray([0x40 | len(text) >> 4, (len(text) & 15) << 4])
    for byte in text:
        padded[-1] |= byte >> 4
        padded.append((byte & 15) << 4)
    while len(padded) < _DATA:
        padded.append(0xEC)
        if len(padded) < _DATA:
            padded.append(0x11)
    return padded + _check_codewords(padded)


def _is_function(x, y):
    # Whether a module is a part of the patterns that every code of this version has.
    if y < 9 and (x < 9 or x >= SIZE - 8) or y >= SIZE - 8 and x < 9:
        return True  # finders, with the format
    return x == 6 or y == 6 or 20 <= x <= 24 and 20 <= y <= 24  # timing, alignment


def _draw_patterns(code):
    for i in range(SIZE):
        code.pixel(6, i, 1 - i % 2)
        code.pixel(i, 6, 1 - i % 2)
    for x, y in ((0, 0), (SIZE - 7, 0), (0, SIZE - 7)):
        code.fill_rect(x - 1, y - 1, 9, 9, 0)
        code.rect(x, y, 7, 7, 1)
        code.fill_rect(x + 2, y + 2, 3, 3, 1)
    code.rect(20, 20, 5, 5, 1)
    code.rect(21, 21, 3, 3, 0)
    code.pixel(22, 22, 1)


def _draw_format(code):
    for i in range(15):
        bit = _FORMAT >> i & 1
        # Beside the finder on the top left: down the column 8, then left along the row 8.
        if i < 8:
            code.pixel(8, i + (i >= 6), bit)
            code.pixel(SIZE - 1 - i, 8, bit)
        else:
            code.pixel(14 - i + (i == 8), 8, bit)
            code.pixel(8, SIZE - 15 + i, bit)
    code.pixel(8, SIZE - 8, 1)


def encode(text):
    """Return a framebuf.FrameBuffer of SIZE x SIZE with the code of `text`, bytes; 1 is dark.

    In pieces, a generator: all of it takes a board 60 ms, the first piece 25. Raises ValueError above
    MAX_BYTES.
    """
    if len(text) > MAX_BYTES:
        raise ValueError(
            "a QR code holds %d bytes here, and these are %d" % (MAX_BYTES, len(text))
        )
    code = framebuf.FrameBuffer(bytearray(SIZE * 4), SIZE, SIZE, framebuf.MONO_HLSB)
    _draw_patterns(code)
    _draw_format(code)
    codewords = _codewords(text)
    at = 0
    # Two columns at a time from the right, up and down in turn, around the timing column.
    for pair in range(SIZE // 2):
        yield
        right = SIZE - 1 - 2 * pair
        if right <= 6:
            right -= 1
        for i in range(SIZE):
            y = i if pair % 2 else SIZE - 1 - i
            for x in (right, right - 1):
                if _is_function(x, y):
                    continue
                bit = codewords[at >> 3] >> (7 - (at & 7)) & 1 if at >> 3 < len(codewords) else 0
                code.pixel(x, y, bit ^ 1 - (x + y) % 2)  # mask 0
                at += 1
    return code
