"""Audio features from a table the user owns: a Parquet or CSV file, one row a track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from echotune.enrichment.errors import FeatureError
from echotune.enrichment.features import TIME_SIGNATURE, read_features
from echotune.enrichment.providers.base import Lookup, Values
from echotune.enrichment.providers.feature_table import FeatureTable, TablePath
from echotune.enrichment.providers.findings import Findings


class LocalTable:
    """Looks features up in a file, which is read at the first look-up and then kept in memory.

    It has a column of Spotify ids or uris (``id``, ``track_id``, ``spotify_id``, ``uri`` or ``spotify_track_uri``) and
    one column a feature, named as in MongoDB in any case; ``time_signature`` may be missing. A row without any
    feature says that there are none. Where an id has several rows, the first counts.

    :param path: the file; a CSV may be gzipped
    """

    name = "local"
    batch_size = 1000

    def __init__(self, path: TablePath) -> None:
        self._path = path
        self._table: FeatureTable | None = None

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Look up any ids.

        :raises EnrichmentError: the file cannot be read, or is no such table
        """
        if self._table is None:
            self._table = FeatureTable.read(self._path)
        findings = Findings()
        for id_, row, cells in self._table.rows(ids):
            if all(cell is None for cell in cells.values()):
                continue
            try:
                findings.found[id_] = _read(cells)
            except FeatureError as error:
                findings.broken[id_] = f"{self._path}, row {row}: {error}"
        findings.absent.update(id_ for id_ in ids if not findings.has(id_))
        return findings.as_lookup()


def _read(cells: Mapping[str, Any]) -> Values:
    return read_features({name: _number(cell) for name, cell in cells.items()}, optional=(TIME_SIGNATURE,))


def _number(cell: Any) -> Any:
    """A cell of a column that had to be read as text, as a number where it is one."""
    if not isinstance(cell, str):
        return cell
    try:
        return float(cell)
    except ValueError:
        return cell
