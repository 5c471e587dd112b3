"""The public keys that sign this project's releases, each in PEM (bytes).

Empty until this project signs its releases (docs/releasing.md): a board then takes over the air only
what its owner has signed, whose key update.key names.
"""

KEYS = ()
