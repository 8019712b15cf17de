"""Hooks: one file an outside system."""
