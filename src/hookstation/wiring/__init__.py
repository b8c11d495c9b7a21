"""The one place where concrete things meet."""

from hookstation.wiring.main import main

__all__ = ["main"]
