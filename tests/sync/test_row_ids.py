"""The ids of rows: the same in Python and in SQL."""

from __future__ import annotations

from typing import Any
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from echotune.sync.row_ids import Kind, row_id

kinds = st.sampled_from(list(Kind))
keys = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def test_an_id_is_what_it_was_when_the_first_database_was_filled() -> None:
    assert row_id(Kind.TRACK, "0PY3iCmQHu97SB3G3IfoJW") == UUID("9ccbfb96-0a18-8631-be8b-18d56e5efa0f")


@given(kind=kinds, key=keys)
def test_an_id_is_a_uuid_of_version_8(kind: Kind, key: str) -> None:
    assert (row_id(kind, key).version, row_id(kind, key).variant) == (8, RFC_4122)


def test_python_and_sql_compute_the_same_id(supabase: Connection[Any]) -> None:
    @given(kind=kinds, key=keys)
    def check(kind: Kind, key: str) -> None:
        row = supabase.execute("select echotune.row_id(%s, %s)", [kind, key]).fetchone()
        assert row == (row_id(kind, key),)

    check()


def test_the_kind_tells_ids_of_the_same_name_apart() -> None:
    assert len({row_id(kind, "the same") for kind in Kind}) == len(Kind)
