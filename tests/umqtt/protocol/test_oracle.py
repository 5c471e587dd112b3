"""The oracle says what the conversations of rows/ say, so that neither is wrong alone."""

from __future__ import annotations

import pytest
from tests.umqtt.protocol import conversation
from tests.umqtt.protocol.titles import BY_TITLE
from tests.umqtt.protocol.oracle import Oracle


def is_timed(found: conversation.Conversation) -> bool:
    # What a tick() brings about the oracle does not predict, but `Clock` judges.
    calls = [step for step in found.steps if step.text.startswith("tick(")]
    return any(step.leaves or step.events for step in calls)


@pytest.mark.parametrize("title", [title for title in BY_TITLE if not is_timed(BY_TITLE[title])])
def test_oracle_agrees(title: str) -> None:
    for cut in (conversation.whole, conversation.bytewise):
        for glued in (False, True):
            conversation.play(BY_TITLE[title], Oracle(), cut, glued)
