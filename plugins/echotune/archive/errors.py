"""What can go wrong with an archive."""

from __future__ import annotations


class ArchiveError(Exception):
    """An archive cannot be written, trusted or restored; the message says what to do."""


class ArchiveUnreachable(ArchiveError):
    """A file cannot be reached now; to try again may help."""
