# The labplus tutorial's first steps in one program: publish, then show what a filter lets through.
from umqtt.simple import MQTTClient
from mpython import *

station = wifi()
station.connectWiFi("classroom", "chalk and talk")

SERVER = "broker.example"
PORT = 1883

client = MQTTClient("desk-7", SERVER, PORT, "pupil", "blackboard")
client.connect()
client.publish("class/door", "good morning")


def show(topic, message):
    print((topic, message))


client.set_callback(show)
client.subscribe("class/filter")
while True:
    client.wait_msg()
