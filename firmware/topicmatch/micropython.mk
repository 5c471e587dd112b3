# MicroPython's ports that build with make take the module from here.
SRC_USERMOD_C += $(USERMOD_DIR)/topicmatch.c $(USERMOD_DIR)/modtopicmatch.c
CFLAGS_USERMOD += -I$(USERMOD_DIR)
