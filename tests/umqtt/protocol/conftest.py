"""Makes `umqtt.protocol` known to the tests of this folder."""

from tests.umqtt.protocol.cpython import firmware_modules

with firmware_modules():
    import umqtt.protocol
