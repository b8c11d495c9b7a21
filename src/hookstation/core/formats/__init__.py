"""Rows as text and back: CSV, TSV, pipe, JSON, NDJSON and XML, piece by piece in flat memory."""
