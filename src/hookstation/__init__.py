"""Hookstation: webhooks in, records written, exactly once, and the truth in the answer."""
