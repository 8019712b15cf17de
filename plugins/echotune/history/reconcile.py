"""The proof of a load: every row accounted for, every play in the collection, every play in the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from echotune.history.counts import LoadCounts
from echotune.history.errors import HistoryError
from echotune.history.forgotten import ForgottenUsers
from echotune.history.load import stop_at_bad_share
from echotune.history.load_runs import finish_file, plays_inserted, plays_of_file
from echotune.history.mark_duplicates import MARKED
from echotune.history.plan import FilePlan
from echotune.history.settings import LoadSettings
from echotune.history.store import HistoryStore
from echotune.reconciliation import Check

FileResult = tuple[FilePlan, LoadCounts]
"""A file and what became of its rows."""

TRACK_URI = r"^spotify:track:[0-9A-Za-z]{22}\z"


def reconcile_load(store: HistoryStore, files: Sequence[FileResult], settings: LoadSettings) -> list[Check]:
    """Make every comparison of a load, and close the records of its files.

    :raises HistoryError: no row is of the user that was asked for, or more rows are bad than the settings allow
    """
    require_user(LoadCounts.total(counts for _, counts in files), settings)
    for plan, counts in files:
        stop_at_bad_share(plan.file.name, counts.rejected, plan.rows, settings)
    checks = [check for plan, counts in files for check in check_rows(plan, counts)]
    if settings.dry_run:
        return checks
    checks += [check_plays(store, plan, settings) for plan, _ in files]
    checks.append(check_catalog(store, settings.begun_at))
    reconciled = all(check.passed for check in checks)
    for plan, counts in files:
        finish_file(store, plan.file, settings, counts, reconciled=reconciled)
    return checks


def check_rows(plan: FilePlan, counts: LoadCounts) -> list[Check]:
    """Rows in the file = inserted + already there + exact repeats + rejected + other users' + forgotten users'."""
    name = plan.file.name
    return [
        Check(what=f"{name}: rows read", expected=plan.rows, found=counts.rows),
        Check(what=f"{name}: rows accounted for", expected=plan.rows, found=counts.accounted),
    ]


def require_user(counts: LoadCounts, settings: LoadSettings) -> None:
    """:raises HistoryError: when every row is another user's: the name is most likely mistyped"""
    if settings.username and counts.other_users and counts.other_users + counts.rejected == counts.rows:
        raise HistoryError(f"username is {settings.username!r}, and none of the {counts.rows:,} rows is of that user")


def check_plays(store: HistoryStore, plan: FilePlan, settings: LoadSettings) -> Check:
    """The plays that the chunks of a file inserted are in the collection, with those of an interrupted try."""
    return Check(
        what=f"{plan.file.name}: plays in MongoDB",
        expected=plays_inserted(store, plan.file, settings),
        found=plays_of_file(store, plan.file.sha256, settings),
        at_least=True,
    )


def check_catalog(store: HistoryStore, begun_at: datetime | None = None) -> Check:
    """The plays counted in ``tracks`` are the plays that have a track.

    Who forgets a user first takes plays away and then counts anew: in between, more are counted.

    :param begun_at: when whoever counted last began; None: now
    """
    forgotten = ForgottenUsers.of(store, begun_at)
    total = {"$group": {"_id": None, "plays": {"$sum": "$play_count"}}}
    counted = next(store.tracks.aggregate([total]), {"plays": 0})["plays"]
    of_a_track = {"spotify_track_uri": {"$regex": TRACK_URI}}
    # All of them are counted in an index, and so are the marked ones; that a play is unmarked stands in the play alone.
    plays = store.plays.count_documents(of_a_track) - store.plays.count_documents(of_a_track | MARKED)
    plays += store.archived_plays.count_documents({"track": {"$exists": True}})
    at_least = bool(forgotten.digests())
    return Check(what="plays counted in tracks", expected=plays, found=counted, at_least=at_least)
