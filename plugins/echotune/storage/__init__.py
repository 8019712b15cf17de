"""Storage: what is used, of what a plan allows, when it is full, and the report of a maintenance run."""
