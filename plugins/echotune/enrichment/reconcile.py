"""What must be true after an enrichment, whatever happened in it."""

from __future__ import annotations

import re

from echotune.enrichment.catalog_links import count_tracks_of_other_genres, has_changed_since_linked, make_links_due
from echotune.enrichment.outdated_plays import count_missed_plays, make_missed_due
from echotune.enrichment.queue import Status
from echotune.history.store import HistoryStore
from echotune.reconciliation import Check


def reconcile_enrichment(store: HistoryStore, run: str) -> list[Check]:
    """Compare the tracks with their states, and the plays with their tracks.

    What came meanwhile, by a load beside, is left to the next run. What a step should have written and did not is due
    again, so that the next run mends it.
    """
    state = "enrichment.audio_features"
    without_values = {f"{state}.status": Status.ENRICHED, "audio_features": {"$exists": False}}
    without_provider = {f"{state}.status": Status.ENRICHED, f"{state}.provider": {"$exists": False}}
    other_genres = count_tracks_of_other_genres(store)
    if has_changed_since_linked(store):
        other_genres = 0
    elif other_genres:
        make_links_due(store)
    if missed := count_missed_plays(store):
        make_missed_due(store)
    return [
        Check(
            what="tracks in none of the known states",
            expected=0,
            found=store.tracks.count_documents({f"{state}.status": {"$nin": list(Status)}}),
        ),
        Check(
            what="enriched tracks without audio features",
            expected=0,
            found=store.tracks.count_documents(without_values),
        ),
        Check(
            what="enriched tracks that do not say from where",
            expected=0,
            found=store.tracks.count_documents(without_provider),
        ),
        Check(what="tracks of other genres than their artists", expected=0, found=other_genres),
        Check(what="documents still claimed by this run", expected=0, found=_still_claimed(store, run)),
        Check(what="plays that lack what is known of their track", expected=0, found=missed),
    ]


def _still_claimed(store: HistoryStore, run: str) -> int:
    mine = {"$regex": f"^{re.escape(run)}/"}
    return sum(
        collection.count_documents({f"enrichment.{kind}.claimed_by": mine})
        for collection, kinds in (
            (store.tracks, ("audio_features", "catalog")),
            (store.artists, ("catalog",)),
            (store.albums, ("catalog",)),
        )
        for kind in kinds
    )
