"""Where a source given as text is: on this machine, or in object storage through Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from airflow.sdk import ObjectStoragePath

from echotune.history.source import HistoryPath
from echotune.resources import PROJECT


def history_path(source: str) -> HistoryPath:
    """Return the path of a source: ``s3://…`` and the like through ObjectStoragePath, ``file://…`` and others as local.

    A relative path starts at the project's folder, so ``include/data/history.csv`` is the same on every machine.
    """
    if "://" in source and not source.startswith("file://"):
        return cast(HistoryPath, ObjectStoragePath(source))
    return PROJECT / Path(source.removeprefix("file://")).expanduser()
