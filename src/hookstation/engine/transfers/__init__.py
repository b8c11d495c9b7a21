"""Transfers: rows out of a source, in a format, to a destination, in flat memory and resumable chunk by chunk."""
