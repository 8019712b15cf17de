"""Who is played most."""

from __future__ import annotations

from typing import Any

from pymongo import DESCENDING

from echotune.dashboard.answers import NothingThereError
from echotune.dashboard.panels.listening import NO_PLAYS
from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json

MOST = 10


def top(store: HistoryStore) -> dict[str, Any]:
    """The ten artists and the ten genres with the most plays, as the catalog counted them after the last load.

    A play of a track with several genres counts for each of them.

    :raises NothingThereError: nothing was played
    """
    found = store.artists.find({"play_count": {"$gt": 0}}, {"_id": 0, "name": 1, "play_count": 1})
    artists = [
        {"name": artist.get("name", ""), "plays": artist["play_count"]}
        for artist in found.sort("play_count", DESCENDING).limit(MOST)
    ]
    if not artists:
        raise NothingThereError(NO_PLAYS)
    genres = store.tracks.aggregate([*read_mongo_json("pipelines/dashboard_genres.json"), {"$limit": MOST}])
    return {"artists": artists, "genres": [{"name": genre["_id"], "plays": genre["plays"]} for genre in genres]}
