"""Workflows and what starts them: lists, runs, schedules, polls, transfers, approvals, and the editor."""
