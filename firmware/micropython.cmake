# All C modules of the firmware, for MicroPython's ports that build with cmake (ESP32).
# Ports that build with make find each module's micropython.mk by themselves.
include(${CMAKE_CURRENT_LIST_DIR}/topicmatch/micropython.cmake)
