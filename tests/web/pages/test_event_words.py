"""What pages say about an event that came to nothing."""

from __future__ import annotations

import inspect
import re

from hookstation.engine import ingest
from hookstation.web.pages.charts import WORDS
from hookstation.web.pages.event_words import BY_STEP, SECTIONS
from hookstation.web.pages.wizard.frame import TITLES

REASONS = set(re.findall(r'reject\(\s*raw,\s*"(\w+)"', inspect.getsource(ingest)))
BY_US = {"broken"}
"""A mistake of ours is told by its number: nobody can mend it on a page."""


def test_every_reason_to_turn_a_call_away_has_its_advice_and_its_word() -> None:
    assert {"method", "schema", "authentication"} <= REASONS
    assert set() == REASONS - BY_US - set(BY_STEP)
    assert set() == REASONS - BY_US - set(WORDS)


def test_advice_names_sections_that_there_are() -> None:
    assert set() == {one.section for one in BY_STEP.values() if one.section} - set(SECTIONS)
    assert SECTIONS == {key: TITLES[key] for key in SECTIONS}
