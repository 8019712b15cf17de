"""What can go wrong when a user is forgotten."""

from __future__ import annotations


class ForgettingError(Exception):
    """A user cannot be forgotten so; the message says why, and that a retry would not help."""


class SomethingIsLeft(Exception):
    """A place still has something of the user after the last round; a later try may find the writer gone."""
