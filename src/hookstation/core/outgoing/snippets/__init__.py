"""Programs that verify our signatures, for the people who receive: a module for each language."""
