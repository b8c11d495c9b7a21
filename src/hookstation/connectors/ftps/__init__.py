"""Files over FTP with TLS."""

from hookstation.connectors.ftps.spec import SPEC, build

__all__ = ["SPEC", "build"]
