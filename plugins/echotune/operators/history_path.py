"""Where a source or an archive given as text is: on this machine, or in object storage through Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from airflow.sdk import ObjectStoragePath

from echotune.archive.paths import ArchivePath
from echotune.history.source import HistoryPath
from echotune.resources import PROJECT


def history_path(source: str) -> HistoryPath:
    """Return the path of a source: ``s3://…`` and the like through ObjectStoragePath, ``file://…`` and others as local.

    A relative path starts at the project's folder, so ``include/data/history.csv`` is the same on every machine.
    """
    return cast(HistoryPath, _path(source))


def archive_path(address: str) -> ArchivePath:
    """Return the path of an archive's file, which starts where a source would."""
    return cast(ArchivePath, _path(address))


def _path(address: str) -> ObjectStoragePath | Path:
    if "://" in address and not address.startswith("file://"):
        return ObjectStoragePath(address)
    return PROJECT / Path(address.removeprefix("file://")).expanduser()
