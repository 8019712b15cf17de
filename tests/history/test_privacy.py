"""Personal data: dropped, hashed or kept."""

from __future__ import annotations

import pytest

from echotune.history.errors import HistoryError
from echotune.history.privacy import PersonalData, PersonalDataPolicy

ADDRESSES = ["203.0.113.7", "203.0.113.7:8080", "2001:db8::7", "::ffff:203.0.113.7", "[2001:db8::7]:443"]
AGENTS = [
    "Spotify/8.4.9 Android/23 (OnePlus ONE E1003)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0 Safari/537.36",
]
DROP = PersonalData(policy=PersonalDataPolicy.DROP)
KEEP = PersonalData(policy=PersonalDataPolicy.KEEP)


def hashed(cell: str, key: bytes) -> str | None:
    return PersonalData(policy=PersonalDataPolicy.HASH, key=key).transformation()(cell)


def test_drop_stores_nothing() -> None:
    assert DROP.transformation()("203.0.113.7") is None


def test_keep_stores_the_cell() -> None:
    assert KEEP.transformation()("203.0.113.7") == "203.0.113.7"


def test_hash_tells_equal_cells_as_equal_and_no_cell() -> None:
    assert hashed("203.0.113.7", b"key") == hashed("203.0.113.7", b"key") != hashed("203.0.113.8", b"key")
    assert "203.0.113.7" not in str(hashed("203.0.113.7", b"key"))


def test_the_hash_rests_on_the_key() -> None:
    assert hashed("203.0.113.7", b"key") != hashed("203.0.113.7", b"another key")


@pytest.mark.parametrize("key", [None, b""])
def test_hash_without_a_key_is_an_error_that_says_what_to_do(key: bytes | None) -> None:
    with pytest.raises(HistoryError, match="make an Airflow connection 'echotune_pii'.* or choose 'drop' or 'keep'"):
        PersonalData(policy=PersonalDataPolicy.HASH, key=key)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_left_in_a_row_that_could_not_be_read(address: str) -> None:
    assert "203.0.113.7" not in (left := DROP.redact(f"NL,{address},Bohemian"))
    assert "2001:db8::7" not in left


@pytest.mark.parametrize("agent", AGENTS)
def test_no_user_agent_is_left_in_a_row_that_could_not_be_read(agent: str) -> None:
    left = DROP.redact(f'NL,,"{agent}",Bohemian')
    words = [word for word in agent.replace("(", " ").replace(")", " ").split() if "/" in word]
    assert [word for word in words if word in left] == []


def test_what_is_not_personal_stays_in_a_row_that_could_not_be_read() -> None:
    text = "spotify:track:0000000000000000000001,2017-04-04 06:32:04+00:00,anna,AC/DC,12.5,1:2"
    assert DROP.redact(text) == text


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "f" * 1_000_000, "x/1 " * 250_000, "1." * 500_000],
    ids=["letters", "digits", "agents", "dots"],
)
def test_a_long_row_that_could_not_be_read_is_cleaned_in_a_moment(text: str) -> None:
    assert len(DROP.redact(text)) <= len(text) * 3


def test_keep_leaves_a_row_that_could_not_be_read_as_it_is() -> None:
    assert KEEP.redact("NL,203.0.113.7,Spotify/8.4.9") == "NL,203.0.113.7,Spotify/8.4.9"
