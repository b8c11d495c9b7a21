"""Configuration as files: read with the place of everything kept, and written back."""
