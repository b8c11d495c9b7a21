"""Any system with an HTTP interface."""

from hookstation.connectors.http.connector import HttpConnector
from hookstation.connectors.http.spec import SPEC, build

__all__ = ["SPEC", "HttpConnector", "build"]
