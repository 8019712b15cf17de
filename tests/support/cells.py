"""Hypothesis strategies for cells and rows: every type of column, in canonical and in odd spellings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from local.sample import HEADER

INSTANTS = {"ts_x", "ts_y"}
WHOLE = {
    "ms_played_x",
    "ms_played_y",
    "Disc Number_releases",
    "Track Number_releases",
    "Track Duration (ms)_releases",
    "Popularity_releases",
    "Mode",
    "Time Signature",
}
SIGNED = {"Key"}
DECIMALS = {
    "Danceability",
    "Energy",
    "Loudness",
    "Speechiness",
    "Acousticness",
    "Instrumentalness",
    "Liveness",
    "Valence",
    "Tempo",
}
BOOLEANS = {"shuffle", "skipped", "offline", "Explicit_releases"}
LISTS = {
    "Artist URI(s)_releases",
    "Artist Name(s)_releases",
    "Album Artist URI(s)_releases",
    "Album Artist Name(s)_releases",
    "Artist Genres",
    "Album Genres",
}
REQUIRED = {"ts_x", "username", "ms_played_x"}
PERSONAL = ("ip_addr_decrypted", "user_agent_decrypted")
IDENTIFYING = (*HEADER[:6], *HEADER[8:16])

WORDS_FOR_NOTHING = ("Null", "null", "NULL", "NA", "N/A", "None", "nan", "NaN", "NaT", "undefined", "-", " ")


def texts() -> st.SearchStrategy[str]:
    """Any text a cell can hold: all of Unicode but NUL, and the words that other loaders take for missing."""
    anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
    return anything | st.sampled_from(WORDS_FOR_NOTHING) | anything.map(lambda text: f" {text} ")


def whole_numbers(smallest: int = 0) -> st.SearchStrategy[str]:
    number = st.integers(smallest, 2**40)
    odd = st.sampled_from(["007", "3", "3.0", "3.00", "1e3", "+4", " 5 ", "0"])
    return number.map(str) | number.map(lambda value: f"{value}.0") | odd


def decimals() -> st.SearchStrategy[str]:
    odd = st.sampled_from(["1.50", "-60", "0", ".5", "5.", "1e-3", "-0.0", "0.1000", "1E5"])
    return st.floats(allow_nan=False, allow_infinity=False).map(repr) | odd


def instants() -> st.SearchStrategy[str]:
    moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
    zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
    utc = moments.map(lambda moment: moment.replace(tzinfo=UTC))
    return (
        utc.map(lambda moment: str(moment.replace(microsecond=0)))
        | utc.map(str)
        | utc.map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        | moments.map(str)
        | st.builds(lambda moment, zone: moment.replace(tzinfo=zone).isoformat(), moments, zones)
    )


def lists() -> st.SearchStrategy[str]:
    parts = st.lists(st.sampled_from(["rock", "pop", "a\\,b", "Simon \\, Garfunkel", "ünï", "back\\slash", ""]))
    joined = st.builds(lambda separator, parts: separator.join(parts), st.sampled_from([", ", ",", " ,  "]), parts)
    return (joined | texts()).filter(bool)


def cells(name: str) -> st.SearchStrategy[str]:
    """Cells that a column accepts, the empty one among them where it may be empty."""
    filled = _filled(name)
    return filled if name in REQUIRED else st.just("") | filled


def _filled(name: str) -> st.SearchStrategy[str]:
    for names, strategy in (
        (INSTANTS, instants()),
        (WHOLE, whole_numbers()),
        (SIGNED, whole_numbers(-(2**40))),
        (DECIMALS, decimals()),
        (BOOLEANS, st.sampled_from(["True", "False", "true", "false", "TRUE", "FALSE"])),
        (LISTS, lists()),
    ):
        if name in names:
            return strategy
    return texts()


def rows() -> st.SearchStrategy[list[str]]:
    """Rows of 57 cells that load."""
    return st.tuples(*(cells(name) for name in HEADER)).map(list)


def hard_rows() -> st.SearchStrategy[list[str]]:
    """Rows whose first, middle and last cells are hard to write as CSV."""
    parts = ["a", "b", " ", '"', ",", ";", "\n", "\r\n", "ü", "\u2028", "\x85", "😀"]
    hard = st.lists(st.sampled_from(parts), max_size=5).map("".join)
    return st.builds(_with_three_cells, hard, hard, hard)


def _with_three_cells(first: str, middle: str, last: str) -> list[str]:
    plain = [""] * len(HEADER)
    return [first, *plain[1:20], middle, *plain[21:-1], last]
