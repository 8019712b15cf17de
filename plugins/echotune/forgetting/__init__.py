"""Everything of one user out of all systems, and the proof that nothing is left."""
