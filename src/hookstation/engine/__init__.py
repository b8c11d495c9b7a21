"""What the station does: one use case a file, named with the field's verbs."""
