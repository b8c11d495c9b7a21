"""Workflows as values: what a person defines, what a run has done, and the decision about what comes next."""
