"""The workflow editor: the flow with its steps' settings, and the same document as text where no scripts run."""

from hookstation.web.pages.chain.editor.pages import PAGES

__all__ = ["PAGES"]
