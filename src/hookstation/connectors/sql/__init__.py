"""SQL databases: PostgreSQL, MySQL and MariaDB, SQLite, SQL Server."""

from hookstation.connectors.sql.connector import SqlConnector
from hookstation.connectors.sql.spec import SPEC, build

__all__ = ["SPEC", "SqlConnector", "build"]
