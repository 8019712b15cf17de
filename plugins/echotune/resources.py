"""The files of ``include/``: pipelines, declared indexes, SQL, Redis scripts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, LiteralString

from bson import json_util

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds dags/, plugins/ and include/."""

INCLUDE = PROJECT / "include"


def read_mongo_json(name: str) -> Any:
    """Read a file of include/mongo in MongoDB's extended JSON, such as ``pipelines/tracks.json``."""
    return json_util.loads((INCLUDE / "mongo" / name).read_text(encoding="utf-8"))


def read_lua(name: str) -> str:
    """Read a script of include/redis, such as ``permit.lua``."""
    return (INCLUDE / "redis" / name).read_text(encoding="utf-8")


@cache
def read_sql(name: str) -> LiteralString:
    """Read a file of include/sql, such as ``sync/merge.sql``: as trustworthy as a literal."""
    return (INCLUDE / "sql" / name).read_text(encoding="utf-8")
