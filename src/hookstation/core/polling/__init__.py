"""Polling webhooks as values: their sources, their cursors, and the items of what a source answered."""
