"""The pages, for people: rendered here, alive without JavaScript, over the same use cases as the API."""

from hookstation.web.pages.build import build_pages

__all__ = ["build_pages"]
