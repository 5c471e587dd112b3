"""The public keys that sign this project's releases, each in PEM (bytes).

Whoever builds images of their own adds theirs, or copies it to the board: update.key.
"""

KEYS = ()
