"""Fixtures for what is broken on PostgreSQL: a real server, and a database on it."""

from tests.support.postgres import database, postgres

__all__ = ["database", "postgres"]
