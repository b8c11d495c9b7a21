"""The database drivers of the Store port."""
