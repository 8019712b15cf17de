"""The tables that a model learns from: files, which name users and count what they played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echotune.archive.paths import OpenPath
from echotune.forgetting.person import Person
from echotune.forgetting.places import Counts
from echotune.history.store import HistoryStore
from echotune.statistics.feature_files import usernames_in, write_features


@dataclass(frozen=True, kw_only=True)
class FeatureFiles:
    """Rows of the user in the files of ``ml_features``, wherever they were written. They are written anew without."""

    store: HistoryStore
    person: Person
    open_path: OpenPath

    def count(self) -> Counts:
        return {"rows of ml_features": sum(1 for _ in self._targets())}

    def remove(self) -> None:
        for target in list(self._targets()):
            write_features(self.store, target, self.open_path)

    def _targets(self) -> Iterator[str]:
        """Where the files name the user."""
        for target in self.store.ml_features.distinct("_id"):
            if self.person.username in usernames_in(target, self.open_path):
                yield target
