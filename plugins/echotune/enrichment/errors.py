"""What can be wrong with an enrichment, told so that a person can mend it."""

from __future__ import annotations


class EnrichmentError(ValueError):
    """Something a retry does not mend: a file or a setting that is wrong. The message says what and where."""


class FeatureError(ValueError):
    """An audio feature that is missing or out of its range: none of the track's features are used."""


class EntryError(ValueError):
    """A field of a catalog entry that holds no value of its kind: nothing of the entry is used."""
