"""PostgreSQL's indexes are declared once, each with what it serves."""

from __future__ import annotations

from echotune.indexes.postgres import DECLARED, declared_indexes, missing_indexes
from echotune.resources import read_sql
from tests.support.supabase import Connection

OTHERS = """
select index.relname
from pg_index as found
join pg_class as index on index.oid = found.indexrelid
where index.relnamespace in ('public'::regnamespace, 'echotune'::regnamespace)
and not index.relispartition
and not found.indisunique
"""


def test_every_statement_of_the_declaration_is_read() -> None:
    assert len(declared_indexes()) == read_sql(DECLARED).count("create ") > 0


def test_a_migrated_database_lacks_none_and_has_no_other(supabase: Connection) -> None:
    assert missing_indexes(supabase) == []
    assert {name for (name,) in supabase.execute(OTHERS)} == {index.name for index in declared_indexes()}


def test_one_that_is_gone_is_missing(supabase: Connection) -> None:
    supabase.execute("drop index public.albums_artist_id")
    assert [index.name for index in missing_indexes(supabase)] == ["albums_artist_id"]
