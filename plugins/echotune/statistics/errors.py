"""What can be wrong with a refresh of statistics."""

from __future__ import annotations


class StatisticsError(Exception):
    """Something a retry does not mend: a setting that is wrong. The message says which and what it may be."""
