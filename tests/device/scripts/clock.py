# clock: one SNTP question, and only the right answer sets the clock [RFC 4330].
import network
import socket
import time
import timers
from device import clock

wlan = network.WLAN()
wlan.active(True)
wlan.connect("classroom")
while not wlan.isconnected():
    time.sleep_ms(5)

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(20000, 60000, 13):
    try:
        server.bind(("127.0.0.1", port))
        break
    except OSError:
        pass
server.settimeout(2)

set_to = []


class RTC:
    def datetime(self, value):
        set_to.append(value)


clock.RTC = RTC
asker = clock.Clock("127.0.0.1", port)
asker.step()
question, address = server.recvfrom(100)
assert len(question) == 48 and question[0] == 0x23, question
assert question[:40] == b"\x23" + bytes(39)

# 2026-11-21 20:47:30 UTC; 1900 -> 1970 is 2208988800 s.
seconds = 1795294050 + 2208988800


def answer(first=0x24, stratum=2, nonce=question[40:48], seconds=seconds):
    packet = bytearray(48)
    packet[0] = first
    packet[1] = stratum
    packet[24:32] = nonce
    packet[40:44] = seconds.to_bytes(4, "big")
    return packet


def hear(packet):
    server.sendto(packet, address)
    for _ in range(30):
        asker.step()
        time.sleep_ms(5)


for wrong in (
    answer()[:47],
    answer(first=0x23),  # a client's packet
    answer(stratum=0),  # kiss of death
    answer(stratum=16),  # not synchronised
    answer(nonce=bytes(8)),  # to somebody else's question
):
    hear(wrong)
    assert set_to == [], wrong

hear(answer())
assert set_to == [(2026, 11, 21, 6, 20, 47, 30, 0)], set_to

# In era 1 the seconds have begun again at 0: 2036-02-07 06:28:16 UTC.
asker = clock.Clock("127.0.0.1", port)
asker.step()
question, address = server.recvfrom(100)
hear(answer(nonce=question[40:48], seconds=0))
assert set_to[1][:7] == (2036, 2, 7, 4, 6, 28, 16), set_to[1]

# Without an answer it asks again, and a name that is not found is no reason to stop.
asker = clock.Clock("no.such.name.invalid")
asker.step()
asker.step()
assert asker.is_set()


# Without Wi-Fi for a week since the last question: ticks_ms has come more than halfway around.
class AWeekLater:
    def ticks_ms(self):
        return time.ticks_ms() + 7 * 24 * 3600_000 & 0x3FFFFFFF

    def __getattr__(self, name):
        return getattr(time, name)


asker = clock.Clock("127.0.0.1", port)
asker.step()
assert len(server.recv(100)) == 48
timers.time = AWeekLater()
asker.step()
assert len(server.recv(100)) == 48
print("ok")
