# Chinese costs nothing until a browser wants a sentence in it; then one piece a sentence, and no more heap
# each time.
import gc
import json
import sys
from device.json_text import finish
from device.setup import http, program

MODULE = "device.setup.chinese"
WRONG = {"wifi": [{"password": "x", "timeout": 0}] * 8, "mqtt": {}}
REASON = '"\u6821\u56ed\u7f51" refuses the password; check wifi.password'

setup = program.Setup()


def ask(path, language, body=b""):
    request = http.Request("4.3.2.2")
    request.method, request.path, request.host = b"POST" if body else b"GET", path, b"4.3.2.1"
    request.language, request.is_json, request.body = language, True, body
    return setup._answer(request)


def propose(language):
    return ask(b"/setup.json", language, json.dumps({"config": WRONG}).encode())


def count(work):
    pieces = 1
    try:
        while True:
            next(work)
            pieces += 1
    except StopIteration as end:
        return pieces, end.value


def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def is_chinese(text):
    return any(0x4E00 <= ord(letter) < 0xA000 for letter in text)


for path in (b"/", b"/setup.json", b"/state.json"):
    assert finish(ask(path, b"zh"))[0] == 200  # nothing to say
setup._reason = REASON
for language in (b"en", b"de", b""):
    assert json.loads(finish(ask(b"/state.json", language))[2])["reason"] == REASON
    pieces, (status, _, told) = count(propose(language))
    assert status == 422 and not is_chinese(told.decode())
assert MODULE not in sys.modules

before = used()
told = json.loads(finish(ask(b"/state.json", b"zh"))[2])["reason"]
assert "\u6821\u56ed\u7f51" in told and "refuses" not in told, told
assert setup._reason == REASON
del told
kept = used() - before
print("kept", kept, "bytes")
assert MODULE in sys.modules and kept < 1024  # on 64 bits

chinese_pieces, (status, _, told) = count(propose(b"zh"))
problems = json.loads(told)["problems"]
assert status == 422 and len(problems) == 17 and all(is_chinese(each) for each in problems), told
assert chinese_pieces == pieces > len(problems), (chinese_pieces, pieces)

before = used()
for _ in range(50):
    finish(propose(b"zh"))
    finish(ask(b"/state.json", b"zh"))
assert used() - before < 256, (before, used())
print("ok")
