"""The steps, a file for each group; each type has a `StepRunner`, under its name in `steps.registry`."""
