"""A schema drafted from what a sender sends, and questions about what the samples leave open."""

from hookstation.core.draft.drafting import Draft, draft_schema
from hookstation.core.draft.questions import Choice, Doubt, Question

__all__ = ["Choice", "Doubt", "Draft", "Question", "draft_schema"]
