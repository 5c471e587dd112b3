"""Set-up: the board opens a Wi-Fi network of its own, and a phone gives it its configuration there.

Imported when it runs, so that a running device keeps nothing of it. It ends in a reset, or at the
prompt by Ctrl-C. docs/set-up.md tells how it is used.

    program.py       the states, and what ends each
    radio.py         the search for networks, the access point, one try to join
    dns.py           every name is the board's
    http.py          requests in, answers out
    form.py          what the page asks for and sends, and /config.json
    chinese.py       what the board says there, in Chinese; imported when a browser wants it
    lights.py        the first LED
    serial_line.py   Ctrl-C, and the packets of Improv clients
    improv.py        what such a client asks for; imported with its first request
    page.py          the page, made of page.html at build time (ci/build/setup_page.py)
"""
