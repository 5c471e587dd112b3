# What the emulated microcontroller has frozen: the modules that need neither network nor clock.
freeze("../../modules", ("topicmatch.py", "topicmatch_py.py"))
