"""What a person asks of a listening history first, and the tables that a model learns from."""
