"""E-mail out, over SMTP."""

from hookstation.connectors.smtp.spec import SPEC, build

__all__ = ["SPEC", "build"]
