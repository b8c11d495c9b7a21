"""Transfers as values: a source, what becomes of its rows, a format and a destination."""
