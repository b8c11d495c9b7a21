"""The wizard: an inbound webhook made and changed in six sections, of which none puts anything live but the last."""

from hookstation.web.pages.wizard.pages import PAGES

__all__ = ["PAGES"]
