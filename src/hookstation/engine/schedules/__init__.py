"""Schedules at work: their jobs, their firing, and what people ask of them."""
