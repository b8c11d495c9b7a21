"""Runs of workflows: begun, advanced step by step under a lease, cancelled, done again, and shown."""
