# The BPI:bit tutorial's loop: what comes in is shown and sent back to where it came from.
import wifi

wifi.start()

import time
from umqtt.robust import MQTTClient

SERVER = "broker.example"
PORT = 1883
TOPIC = b"class/echo"

try:
    client = MQTTClient("window-seat", SERVER, PORT)
    client.DEBUG = True

    def send_back(topic, message):
        print((topic, message))
        client.publish(topic, message)

    client.set_callback(send_back)

    kept_session = client.connect(clean_session=False)
    if not kept_session:
        client.subscribe(TOPIC)
    client.publish(TOPIC, b"good morning")

    while True:
        time.sleep(1)
        if client.check_msg() is not None:
            client.wait_msg()
        else:
            print("all is quiet")
finally:
    client.disconnect()
