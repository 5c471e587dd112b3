# The simulated socket module has ESP32's habits, each measured or read in ports/esp32/modsocket.c.
import errno
import network
import select
import socket
import time

wlan = network.WLAN(network.STA_IF)


def listener():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for port in range(20000, 60000, 7):
        try:
            server.bind(("127.0.0.1", port))
            break
        except OSError:
            pass
    server.listen(2)
    return server, ("127.0.0.1", port)


server, address = listener()


def failure(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return None


# Without Wi-Fi there is no route and no name server.
assert failure(socket.socket().connect, address) == errno.EHOSTUNREACH
assert failure(socket.getaddrinfo, "localhost", 1883) == -202

wlan.active(True)
wlan.connect("classroom")
while not wlan.isconnected():
    time.sleep_ms(10)

assert socket.getaddrinfo("localhost", 1883)[0][-1] == ("127.0.0.1", 1883)
assert socket.getaddrinfo("127.0.0.1", 80, 0, socket.SOCK_STREAM)[0][0] == socket.AF_INET
assert failure(socket.getaddrinfo, "no.such.name.invalid", 1883) == -202

# A refused connection is a reset; without blocking it is EINPROGRESS, then writable.
assert failure(socket.socket().connect, ("127.0.0.1", 1)) == errno.ECONNRESET
refused = socket.socket()
refused.setblocking(False)
assert failure(refused.connect, ("127.0.0.1", 1)) in (errno.EINPROGRESS, errno.ECONNRESET)
poller = select.poll()
poller.register(refused, select.POLLOUT)
assert poller.poll(1000)[0][1] & select.POLLOUT
# lwIP has freed its control block by then, and with it the options.
NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
assert failure(refused.setsockopt, *NODELAY) == errno.EINVAL
assert failure(refused.setsockopt, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1) == errno.EINVAL
assert failure(refused.write, b"x") in (errno.ECONNRESET, 32)
refused.close()

# A new socket polls as writable and hung up.
new = socket.socket()
poller = select.poll()
poller.register(new, select.POLLIN | select.POLLOUT)
assert poller.poll(0)[0][1] == select.POLLOUT | select.POLLHUP
new.close()

client = socket.socket()
assert failure(client.setsockopt, *NODELAY) is None  # before connect(), which keeps it
client.connect(address)
peer, _ = server.accept()
assert failure(client.setsockopt, *NODELAY) is None
assert failure(peer.setsockopt, *NODELAY) is None

# A timeout is ETIMEDOUT, no blocking is EAGAIN (read() makes None of it).
client.settimeout(0.2)
start = time.ticks_ms()
assert failure(client.recv, 1) == errno.ETIMEDOUT
assert 150 < time.ticks_diff(time.ticks_ms(), start) < 30000
client.setblocking(False)
assert failure(client.recv, 1) == errno.EAGAIN
assert client.read(1) is None

# setblocking(True) wipes a timeout: this read waits for the peer's answer, not 0.1 s.
client.settimeout(0.1)
client.setblocking(True)
from machine import Timer

Timer(0, mode=Timer.ONE_SHOT, period=400, callback=lambda t: peer.write(b"late"))
assert client.recv(4) == b"late"

# Writes are partial: what does not fit into the buffers of both ends is left to the caller.
client.setblocking(False)
written = client.write(b"x" * 200000)
assert 0 < written < 200000, written
client.close()
peer.setblocking(True)
received = 0
while True:
    data = peer.recv(4096)
    if not data:
        break
    received += len(data)
assert received == written
peer.close()

# Ten sockets, then ENFILE; a forgotten one is found again by the collector.
server.close()
many = []
while True:
    try:
        many.append(socket.socket())
    except OSError as error:
        assert error.errno == 23, error  # ENFILE
        break
assert len(many) == 10, len(many)
many = None
socket.socket().close()
assert failure(new.recv, 1) == errno.EBADF
print("ok")
