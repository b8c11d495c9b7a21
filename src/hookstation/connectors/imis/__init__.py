"""iMIS over its REST interface: activities and panels."""

from hookstation.connectors.imis.connector import ImisConnector
from hookstation.connectors.imis.spec import SPEC, build

__all__ = ["SPEC", "ImisConnector", "build"]
