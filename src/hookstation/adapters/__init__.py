"""The outside, brought to the ports: databases, HTTP, clock, secrets, log."""
