"""Side-by-side measurements: each peer runs in the same call, on the same machine, on the same file."""
