"""Rows on their way out of databases: a server that takes files, members to be sent, and a plain script beside us."""
