"""Files over SSH."""

from hookstation.connectors.sftp.spec import SPEC, build

__all__ = ["SPEC", "build"]
