"""Fixtures for the adapters: a real PostgreSQL, and a database on it."""

from tests.support.postgres import crashing, database, postgres

__all__ = ["crashing", "database", "postgres"]
