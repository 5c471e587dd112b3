# An image from a URL: a server that answers as it should, and servers that do not. Each connection
# plays the next of the answers (stand_ins.py, SERVER).
SIZE = len(IMAGE)
URL = b"http://192.168.1.5:8000/mpython-app.bin"


def answer(status=b"200 OK", length=SIZE, body=IMAGE, more=b"", version=b"HTTP/1.1 "):
    head = version + status + b"\r\nServer: test\r\n"
    if length is not None:
        head += b"Content-Length: %d\r\n" % length
    return head + more + b"\r\n" + body


def rest(start, status=b"206 Partial Content"):
    return answer(status, SIZE - start, IMAGE[start:])


def redirect(to, status=b"302 Found"):
    return answer(status, 0, b"", b"Location: " + to + b"\r\n")


def in_pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def begin(url=URL, answers=()):
    Transport.answers[:] = answers
    Transport.made.clear()
    Transport.requests.clear()
    board = Board()
    board.hear(COMMANDS["good"].replace(b'"source": "mqtt"', b'"source": "' + url + b'"'))
    return board


HALF = SIZE // 2 // BLOCK * BLOCK
BLOCKS = (SIZE + BLOCK - 1) // BLOCK
GOOD = (
    ("whole", [[answer()]]),
    ("header byte by byte", [in_pieces(answer(body=b""), 1) + in_pieces(IMAGE, 97)]),
    ("header apart", [[answer(body=b""), None, IMAGE]]),
    ("HTTP/1.0", [[answer(version=b"HTTP/1.0 ")]]),
    ("small header names", [[answer().replace(b"Content-Length", b"content-LENGTH")]]),
    ("more than the image", [[answer() + b"more"]]),
    ("redirected", [[redirect(b"https://files.school.example/a?b=c")], [answer()]]),
    ("redirected within the server", [[redirect(b"/b.bin", b"308 Permanent")], [answer()]]),
    ("three redirects", [[redirect(b"/b")], [redirect(b"/c")], [redirect(b"/d")], [answer()]]),
    ("broken once", [[answer()[: HALF + 500], END], [rest(HALF)]]),
    ("broken, and the whole once more", [[answer()[: HALF + 500], END], [answer()]]),
    (
        "broken again and again",
        [
            [rest(at)[: 200 + BLOCK], END] if at else [answer()[: 200 + BLOCK], END]
            for at in range(0, SIZE, BLOCK)
        ],
    ),
    ("refused twice", [ConnectionRefused, ConnectionRefused, [answer()]]),
    ("silent once", [[answer()[: HALF + 500], SILENCE], [rest(HALF)]]),
    ("broken in the header", [[answer()[:20], END], [answer()]]),
)

for name, answers in GOOD:
    board = begin(answers=answers)
    assert board.run(None), (name, board.link.results()[-1])
    assert bytes(board.other.data[:SIZE]) == IMAGE, name
    assert Transport.open_now == 0, name

board = begin(answers=[[redirect(b"https://files.school.example/a?b=c")], [answer()]])
board.run(None)
assert Transport.made == [("192.168.1.5", 8000, False), ("files.school.example", 443, True)]
assert Transport.requests == [
    b"GET /mpython-app.bin HTTP/1.1\r\nHost: 192.168.1.5:8000\r\nConnection: close\r\n\r\n",
    b"GET /a?b=c HTTP/1.1\r\nHost: files.school.example\r\nConnection: close\r\n\r\n",
]
board = begin(answers=[[answer()[: HALF + 500], END], [rest(HALF)]])
board.run(None)
assert b"\r\nRange: bytes=%d-\r\n" % HALF in Transport.requests[1]

# name, answers, code, reason, whether something may have been written
BAD = (
    ("404", [[answer(b"404 Not Found", 3, b"no!")]], "http", "192.168.1.5 answers 404"),
    ("500", [[answer(b"500 Oh", 3, b"no!")]], "http", "192.168.1.5 answers 500"),
    ("206 unasked", [[rest(0)]], "http", "192.168.1.5 answers 206"),
    (
        "chunks",
        [[answer(length=None, more=b"Transfer-Encoding: chunked\r\n")]],
        "http",
        "192.168.1.5 does not say how long the file is",
    ),
    ("no length", [[answer(length=None)]], "http", None),
    ("length is a word", [[answer(length=None, more=b"Content-Length: all\r\n")]], "http", None),
    (
        "another length",
        [[answer(length=SIZE + 1)]],
        "http",
        "192.168.1.5 sends %d bytes instead of %d" % (SIZE + 1, SIZE),
    ),
    (
        "length too long to be one",
        [[answer(length=None, more=b"Content-Length: " + b"9" * 999 + b"\r\n")]],
        "http",
        None,
    ),
    ("four redirects", [[redirect(b"/b")]] * 4, "http", "192.168.1.5 redirects more than 3 times"),
    ("redirected nowhere", [[redirect(b"")]], "http", None),
    ("redirected to a file", [[redirect(b"file:///etc/passwd")]], "http", None),
    ("redirected to bytes", [[redirect(b"http://\xff\xfe/")]], "http", None),
    ("no HTTP", [[b"SSH-2.0-OpenSSH_9.6\r\n\r\n"]], "http", "192.168.1.5 answers nonsense"),
    ("bytes for a status", [[b"HTTP/1.1 \xff\xfe\xfd\r\n\r\n"]], "http", None),
    (
        "endless header",
        [[b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000]],
        "http",
        "192.168.1.5 sends a header of more than 4 KB",
    ),
    (
        "refused three times",
        [],
        "unreachable",
        "192.168.1.5:8000 does not answer; is a firewall in between?",
    ),
    ("never a word", [[SILENCE]] * 3, "unreachable", None),
    ("closed at once", [[END]] * 3, "unreachable", None),
    ("silent in the first block", [[answer()[:900], SILENCE]] * 3, "unreachable", None),
    (
        "silent later",
        [[answer()[: HALF + 500], SILENCE], [SILENCE], [SILENCE], [SILENCE]],
        "unreachable",
        None,
    ),
    ("another file of the same length", [[answer(body=bytes(SIZE))]], "image", None),
    ("damaged at the end", [[answer(body=IMAGE[:-1] + b"!")]], "digest", None),
)

for name, answers, code, reason in BAD:
    start = Time.now
    board = begin(answers=answers)
    assert not board.run(None), name
    result = last(board.link.results())
    assert result["code"] == code and reason in (None, result["reason"]), (name, result)
    assert result["state"] == ("refused" if code == "image" else "failed"), (name, result)
    assert code == "digest" or HALF and name == "silent later" or not board.other.writes, name
    assert not board.other.is_chosen and Transport.open_now == 0, name
    assert Time.now - start <= 135000, (name, Time.now - start)
    board.check_rest()

# URLs that the board refuses to fetch, before anything is touched.
for url in (
    b"ftp://host/file",
    b"http://",
    b"http:///file",
    b"http://user@host/",
    b"http://host:0/",
    b"http://host:65536/",
    b"http://host:80a/",
    b"http://host:/",
    b"http://ho st/",
    b"http://host/a b",
    b"http://host/\\r\\nX: y",
    b"http://" + b"h" * 254 + b"/",
    b"host/file",
    b"http://[::1]/",
    b"://",
    b":",
    b"HTTP",
    b"http://host/\xc3\xa4",
):
    board = begin(url)
    result = last(board.link.results())
    assert result["state"] == "refused" and result["code"] in ("http", "command"), (url, result)
    assert board.updates.work is None and not Transport.made, url
    board.check_rest()

# Nothing is fetched, and no name looked up, for a command that is not signed.
for name in ("unsigned", "another key", "changed"):
    Transport.made.clear()
    board = Board()
    board.hear(COMMANDS[name].replace(b'"source": "mqtt"', b'"source": "' + URL + b'"'))
    assert last(board.link.results())["code"] == "signature", name
    board.step()
    assert not Transport.made, name

# Without a network the board waits, two minutes at most.
board = begin(answers=[[answer()]])
board.link.wifi.connected = False
for _ in range(60):
    board.step(1000)
assert not Transport.made
board.link.wifi.connected = True
assert board.run(None)
board = begin(answers=[])
board.link.wifi.connected = False
assert not board.run(None)
assert last(board.link.results())["code"] == "silent"
print("ok")
