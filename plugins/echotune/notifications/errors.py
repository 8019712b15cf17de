"""What can go wrong when a notice is sent."""

from __future__ import annotations


class NotSent(Exception):
    """A notice went nowhere; the message says why, names what to change, and holds no secret."""
