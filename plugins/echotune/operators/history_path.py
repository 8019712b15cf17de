"""Where a source or an archive given as text is: on this machine, or in object storage through Airflow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.io import attach

from echotune.archive.paths import ArchivePath
from echotune.history.source import HistoryPath
from echotune.resources import PROJECT

FOLDERS_VARIABLE = "ECHOTUNE_FOLDERS"
"""Names the only folders of the machine that a task may read and write for a person, with colons between them. The
image of the containers sets it; where it is not set, a task opens what its own user may."""
LOCAL_SCHEMES = ("file", "local")


def history_path(source: str) -> HistoryPath:
    """Return the path of a source: ``s3://…`` and the like through ObjectStoragePath, ``file://…`` and others as local.

    A relative path starts at the project's folder, so ``include/data/history.csv`` is the same on every machine.

    :raises AirflowFailException: it is no address, or lies outside of the folders that the deployment opens
    """
    return cast(HistoryPath, _path(source))


def archive_path(address: str) -> ArchivePath:
    """Return the path of an archive's file, which starts where a source would.

    :raises AirflowFailException: as above
    """
    return cast(ArchivePath, _path(address))


def _path(address: str) -> ObjectStoragePath | Path:
    try:
        if "://" not in address:
            return _checked(PROJECT / Path(address).expanduser())
        scheme = address.partition("://")[0].lower()
        if scheme in LOCAL_SCHEMES:
            return _checked(PROJECT / Path(address.partition("://")[2]).expanduser())
        path = ObjectStoragePath(address)
        # Only what a provider of Airflow brings, so no http:// into the deployment's own network, and no chain of them.
        attach(path.protocol, path.conn_id).fs  # noqa: B018
    except (ValueError, RuntimeError, ImportError) as error:
        raise AirflowFailException(f"{address} cannot be opened: {error}") from None
    return path


def _checked(path: Path) -> Path:
    """The same path. Where its links lead counts: a link may stand in a folder that is open and lead out of it."""
    folders = [Path(folder) for folder in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if folder]
    place = path.resolve()
    if folders and not any(place.is_relative_to(folder.resolve()) for folder in folders):
        raise AirflowFailException(
            f"{path} lies outside of the folders that this deployment opens, {' and '.join(map(str, folders))}: put "
            f"the file there, or name another folder in {FOLDERS_VARIABLE}"
        )
    return path
