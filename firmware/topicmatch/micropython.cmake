# MicroPython's ports that build with cmake (ESP32) take the module from here.
add_library(usermod_topicmatch INTERFACE)

target_sources(usermod_topicmatch INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}/topicmatch.c
    ${CMAKE_CURRENT_LIST_DIR}/modtopicmatch.c
)

target_include_directories(usermod_topicmatch INTERFACE
    ${CMAKE_CURRENT_LIST_DIR}
)

target_link_libraries(usermod INTERFACE usermod_topicmatch)
