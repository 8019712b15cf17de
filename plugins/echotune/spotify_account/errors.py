"""Why an account tells nothing, told so that a person can mend it."""

from __future__ import annotations


class AccountError(Exception):
    """Something a retry does not mend: an authorization that is over, a setting that is wrong. Says whose, and what."""


class AccountUnavailable(Exception):
    """Spotify has a fault of its own, or answered what makes no sense: worth another try."""


class Postponed(Exception):
    """Nobody may call Spotify for now.

    :param seconds: for how long; infinite where that is not known
    """

    def __init__(self, reason: str, *, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds
