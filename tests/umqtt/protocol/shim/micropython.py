"""What umqtt.protocol takes from MicroPython, for CPython."""


def const(value):
    return value
