"""MQTT topic filters: check them, match them, and route topics to handlers.

The functions and the class are documented in topicmatch_py.py. Where the C module is built in
they come from there, with identical results; `NATIVE` says which.
"""

# All public names, which are the same in both: a list here would be a third.
try:
    from _topicmatch import *

    NATIVE = True
except ImportError:
    from topicmatch_py import *

    NATIVE = False
