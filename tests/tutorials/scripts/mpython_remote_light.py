# The lamp of the labplus tutorial: "on" makes the LEDs green, "off" makes them dark.
from umqtt.simple import MQTTClient
from mpython import *
from machine import Timer

SERVER = "broker.example"
PORT = 1883
LAMP = "class/lamp"

station = wifi()
station.connectWiFi("classroom", "chalk and talk")

try:

    def obey(topic, message):
        print((topic, message))
        if topic != LAMP.encode():
            return
        if message == b"on":
            rgb.fill((0, 20, 0))
            rgb.write()
        elif message == b"off":
            rgb.fill((0, 0, 0))
            rgb.write()

    client = MQTTClient("desk-7", SERVER, PORT, "pupil", "blackboard", keepalive=30)
    client.connect()
    client.set_callback(obey)
    client.subscribe(LAMP)
    print("The lamp listens to %s" % SERVER)

    pinger = Timer(1)
    pinger.init(period=20000, mode=Timer.PERIODIC, callback=lambda timer: client.ping())

    while True:
        client.wait_msg()
finally:
    client.disconnect()
