"""Polling webhooks at work: their sources, their turns, and what people ask of them."""
