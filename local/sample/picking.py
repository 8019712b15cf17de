"""Which track plays next: now and then a new one, otherwise a known one, mostly an old favourite."""

from __future__ import annotations

from array import array
from random import Random

from local.sample.catalog import ROWS_PER_TRACK
from local.sample.chance import happens, skewed_below

_SHARED_SHARE = 0.15


class TrackPicker:
    """Brings in tracks 0, 1, 2 ... evenly over the file, so that its size decides how many there are.

    It keeps eight bytes a track and user, which is all that has to be remembered of the past.
    """

    def __init__(self, rows: int, users: int) -> None:
        """`rows` and `users` of the whole file."""
        self._tracks_per_row = max(1, round(rows / ROWS_PER_TRACK)) / rows
        self._users = users
        self._libraries = [array("q") for _ in range(users)]
        self._introduced = 0

    def next_track(self, user: int, rows_before: int, chance: Random) -> int:
        """The number of the track `user` plays after `rows_before` rows of the file."""
        missing = (rows_before + 1) * self._tracks_per_row - self._introduced
        if self._introduced == 0 or happens(chance, missing):
            return self._introduce(user)
        library = self._libraries[user]
        if not library or (self._users > 1 and happens(chance, _SHARED_SHARE)):
            return skewed_below(chance, self._introduced)
        return library[skewed_below(chance, len(library))]

    def _introduce(self, user: int) -> int:
        number = self._introduced
        self._libraries[user].append(number)
        self._introduced += 1
        return number
