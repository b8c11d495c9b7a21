"""Mailboxes, read over IMAP."""

from hookstation.connectors.imap.spec import SPEC, build

__all__ = ["SPEC", "build"]
