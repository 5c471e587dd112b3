# 10,000 damaged, random and good requests, cut at random: a status each, bounded memory, no exception.
import random
from device.setup import http

SEED = 20261128
random.seed(SEED)


def random_bytes(count):
    return bytes([random.getrandbits(8) for _ in range(count)])


GOOD = (
    b"GET / HTTP/1.1\r\nHost: 4.3.2.1\r\nAccept-Language: zh-CN\r\n\r\n",
    b"GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\n\r\n",
    b"\r\nHEAD /x HTTP/1.1\nHost: 4.3.2.1:80\n\n",
    b"POST /setup.json HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/json; charset=utf-8\r\n"
    b'Content-Length: 13\r\n\r\n{"config": 1}',
)


def feed(data, size):
    request = http.Request("4.3.2.2")
    status = 0
    for at in range(0, len(data), size):
        status = request.feed(data[at : at + size])
        assert len(request._line) <= 256 and len(request.body) <= 4096
        if status:
            break
    return status, request


for size in (1, 2, 7, 512):
    results = [feed(data, size) for data in GOOD]
    assert [status for status, _ in results] == [200] * 4, (size, results)
    page, probe, head, post = [request for _, request in results]
    assert (page.method, page.path, page.host, page.language) == (b"GET", b"/", b"4.3.2.1", b"zh")
    assert probe.host == b"captive.apple.com" and head.host == b"4.3.2.1:80"
    assert post.is_json and bytes(post.body) == b'{"config": 1}'
assert feed(GOOD[3] + b"more than was announced", 512)[1].body == b'{"config": 1}'


# The first that the page has, or English.
for wanted, language in (
    (b"zh-TW,zh;q=0.9,en;q=0.8", b"zh"),
    (b"ZH-hans", b"zh"),
    (b"en-GB,zh", b"en"),
    (b"ug-CN, zh-CN;q=0.9, en;q=0.8", b"zh"),
    (b"yue-Hant-HK,zh-HK;q=0.9", b"zh"),
    (b"de-DE,de;q=0.9,en;q=0.8,zh;q=0.7", b"en"),
    (b"*", b"en"),
    (b"", b"en"),
    (b";,;q=,=zh", b"en"),
    (b"x," * 200 + b"zh", b"en"),  # so much of a line is not looked at
):
    line = b"GET / HTTP/1.1\r\nAccept-Language: %s\r\n\r\n" % wanted
    assert feed(line, 512)[1].language == language, wanted
assert feed(GOOD[1], 512)[1].language == b"en"


def damaged():
    data = bytearray(random.choice(GOOD))
    for _ in range(random.randint(1, 5)):
        how = random.randint(0, 3)
        at = random.randint(0, len(data) - 1) if data else 0
        if how == 0 and data:
            data[at] = random.randint(0, 255)
        elif how == 1:
            data = data[:at]
        elif how == 2:
            data[at:at] = random_bytes(random.randint(1, 99))
        else:
            data[at:at] = random.choice(
                (b"\r\n", b": ", b"Content-Length: ", b"99999999999", b"\0")
            )
    return bytes(data)


seen = set()
for number in range(10000):
    data = random_bytes(random.randint(0, 600)) if number % 4 == 0 else damaged()
    status, request = feed(data, random.choice((1, 16, 512)))
    seen.add(status)
    assert status == 0 or status in dict(http._PHRASES), (SEED, data)
assert seen >= {0, 200, 400, 405, 411}, seen
print("ok")
