"""Parts of the catalog that can be counted by themselves: what a few plays change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from echotune.history.store import Documents, HistoryStore

Filter = dict[str, Any]
Stages = list[dict[str, Any]]

NAME_OF_ARTIST = {"artists": "name", "albums": "artist"}
"""The field of those that are kept by name that says whose tracks they are counted from."""

URI_OF_TRACK = {"artists": "album_artist_uris", "albums": "album_uri"}
"""The field of a track that says which artists, or which album, it may be counted for."""

MOST_NAMES = 100_000
"""Names and URIs that are told in one command, which the server takes up to 16 MB of."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some documents of a collection, and what they are counted from.

    :param read: finds all plays or tracks that they are counted from; more do no harm
    :param archived: the same among archived plays
    :param counted: finds the documents, among what was counted and in the collection
    """

    read: Filter
    archived: Filter = field(default_factory=dict)
    counted: Filter

    def of(self, stages: Stages) -> Stages:
        """Narrow the stages that count a whole collection."""
        return [{"$match": self.read}, *map(self._narrowed, stages), {"$match": self.counted}]

    def _narrowed(self, stage: dict[str, Any]) -> dict[str, Any]:
        union = stage.get("$unionWith")
        if union is None:
            return stage
        return {"$unionWith": union | {"pipeline": [{"$match": self.archived}, *union["pipeline"]]}}


def part_of_tracks(uris: Sequence[str]) -> Part:
    """Tracks, by their URIs."""
    ids = {"$in": [uri.rpartition(":")[2] for uri in uris]}
    return Part(read={"spotify_track_uri": {"$in": uris}}, archived={"track": ids}, counted={"_id": ids})


@dataclass(frozen=True, kw_only=True)
class Credited:
    """For which artists and albums some tracks are counted.

    :param artists: the names of the artists that the tracks tell
    :param uris: those of artists, and of albums, by the name of the collection
    """

    artists: frozenset[str]
    uris: Mapping[str, frozenset[str]]

    @classmethod
    def by(cls, store: HistoryStore, tracks: Filter) -> Credited:
        """What tracks tell now."""
        uris = {name: frozenset(_distinct(store.tracks, field, tracks)) for name, field in URI_OF_TRACK.items()}
        return cls(artists=frozenset(_distinct(store.tracks, "artist", tracks)), uris=uris)

    def __or__(self, other: Credited) -> Credited:
        uris = {name: self.uris[name] | other.uris[name] for name in URI_OF_TRACK}
        return Credited(artists=self.artists | other.artists, uris=uris)

    def part(self, store: HistoryStore, name: str) -> Part | None:
        """The artists or albums that are counted from tracks of these names and URIs; None if they are too many.

        One whose Spotify id is known may have tracks under other names as well, so all tracks of these are read.

        :param name: ``artists`` or ``albums``
        """
        artists = {"$in": sorted(self.artists)}
        uris = self.uris[name].union(_distinct(store.tracks, URI_OF_TRACK[name], {"artist": artists}))
        if len(uris) > MOST_NAMES:
            return None
        known = {"$in": sorted(uris)}
        names = self.artists.union(_distinct(store.tracks, "artist", {URI_OF_TRACK[name]: known}))
        if len(names) > MOST_NAMES:
            return None
        by_name = {"uri": {"$exists": False}, NAME_OF_ARTIST[name]: artists}
        return Part(read={"artist": {"$in": sorted(names)}}, counted={"$or": [{"uri": known}, by_name]})


def _distinct(collection: Documents, field: str, match: Filter) -> list[str]:
    """The values of a field, or in it where it is a list, however many there are."""
    stages: Stages = [{"$match": match}, {"$unwind": f"${field}"}, {"$group": {"_id": f"${field}"}}]
    return [group["_id"] for group in collection.aggregate(stages, allowDiskUse=True)]
