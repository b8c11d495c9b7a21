"""A folder of the machine that the station runs on."""

from hookstation.connectors.folder.spec import SPEC, build

__all__ = ["SPEC", "build"]
