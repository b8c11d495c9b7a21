"""The built-in records database: activities, and the panels that a person defines."""

from hookstation.connectors.records.connector import RecordsConnector

__all__ = ["RecordsConnector"]
