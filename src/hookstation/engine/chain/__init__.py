"""Workflows, schedules, polls and transfers: what pages, API and commands ask of them."""
