"""What is not as usual: pure functions over roll-ups and samples; `findings` says what became of what they saw."""
