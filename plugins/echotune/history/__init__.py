"""A play: its columns, its readers, its document, its identity, and the load into MongoDB."""
