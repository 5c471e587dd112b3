"""All conversations of rows/, by title."""

from __future__ import annotations

from tests.umqtt.protocol import conversation
from tests.umqtt.protocol.cpython import FOLDER

BY_TITLE: dict[str, conversation.Conversation] = {}
for path in sorted((FOLDER / "rows").glob("*.txt")):
    for found in conversation.read(path.read_text()):
        for title in found.titles:
            assert title not in BY_TITLE, f"{path.name}: there are two of {title}"
            BY_TITLE[title] = found
