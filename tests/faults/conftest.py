"""Fixtures of the fault tests on PostgreSQL: a real server, and a database on it."""

from tests.support.postgres import crashing, database, postgres

__all__ = ["crashing", "database", "postgres"]
