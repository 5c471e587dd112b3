"""MQTT topic filters: check them, match them, and route topics to handlers.

The functions and the class are documented in topicmatch_py.py. Where the C module is built in
they come from there, with identical results; `NATIVE` says which.
"""

try:
    from _topicmatch import (
        Router,
        is_filter,
        is_topic,
        match,
        split_share,
        validate_filter,
        validate_topic,
    )

    NATIVE = True
except ImportError:
    from topicmatch_py import (
        Router,
        is_filter,
        is_topic,
        match,
        split_share,
        validate_filter,
        validate_topic,
    )

    NATIVE = False
