"""Schedules as values: when they fire, in which words that is said, and what clock changes do to them."""
