"""Who hears of a run that failed, or that ended with work left."""

from __future__ import annotations

from echotune.notifications.notifier import RunNotifier, remember_error

__all__ = ["RunNotifier", "remember_error"]
