"""What a service may answer, as it is drawn: statuses, headers, bodies, odd values, and objects that are well made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from echotune.enrichment.features import FEATURES
from echotune.enrichment.spotify_client import Kind
from tests.fuzzing.damage import damaged
from tests.support.http_server import Write, reply

IDS = [f"{number:022d}" for number in range(4)]
STRANGER = "9" * 22
TOKEN = "BQ" + "aB3_-x" * 20

ODD_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            None,
            True,
            False,
            0,
            1,
            -1,
            0.5,
            1.0,
            5,
            11.5,
            -60.0,
            120.0,
            401,
            1e308,
            -0.0,
            math.nan,
            math.inf,
            -math.inf,
        ),
        *(
            2**31,
            2**63,
            10**30,
            10**4000,
            "",
            " ",
            "0.5",
            "x",
            "\0",
            "a\0b",
            "\ud800",
            "😀",
            "x" * 2000,
            IDS[0],
            STRANGER,
        ),
        *(
            "2016",
            "2016-13-45",
            "0000",
            "2026-11-01T10:00:00.123Z",
            "9999-12-31T23:59:59-14:00",
            "2026-11-01",
            "now",
            {},
            [],
        ),
        *(
            [None],
            [[]],
            [{}],
            {"id": IDS[1]},
            {"name": "x"},
            {"uri": "spotify:artist:1"},
            ["rock", None],
            ["rock", "\0"],
        ),
    ]
)
VALUES = st.recursive(
    ODD_VALUES | st.text(max_size=5) | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
).map(deepcopy)
STATUSES = st.sampled_from(
    [200, 201, 204, 299, 301, 304, 308, 400, 401, 403, 404, 408, 410, 418, 425, 429, 500, 502, 503, 599, 999]
)
ERRORS = st.fixed_dictionaries(
    {},
    optional={
        "error": st.fixed_dictionaries(
            {},
            optional={
                "status": VALUES,
                "message": st.sampled_from(["Forbidden", "Service not found", "premium", "Not found.", ""]) | VALUES,
                "reason": st.sampled_from(["QUOTA_EXCEEDED"]) | VALUES,
            },
        )
        | st.sampled_from(["invalid_client", "invalid_grant", "unauthorized_client"])
        | VALUES,
        "error_description": VALUES,
        "message": VALUES,
        "errors": VALUES,
        "access_token": st.just(TOKEN) | VALUES,
        "expires_in": st.just(3600) | VALUES,
        "refresh_token": st.just(TOKEN) | VALUES,
    },
)
BODIES = (
    ERRORS.map(lambda body: json.dumps(body).encode()).flatmap(lambda body: st.just(body) | damaged(body))
    | st.binary(max_size=40)
    | st.sampled_from(
        [b"", b"null", b"[" * 100_000, b"<html>premium</html>", '{"a": "é"}'.encode("utf-16"), b'"' + b"9" * 9000]
    )
)
DIGITS = st.sampled_from(
    ["0", "1", "30", "86400", "999999999999999", "9" * 400, "-5", "1.5", "1e9", "1_0", " 7 ", "²", "٣", "inf"]
)
DATES = st.builds(
    lambda day, month, year, clock, zone: f"Wed, {day} {month} {year} {clock} {zone}",
    st.integers(-1, 40) | st.just("²"),
    st.sampled_from(["Oct", "Foo", "13"]),
    st.integers(-1, 12000),
    st.sampled_from(["07:28:00", "25:61:61", "7", "07:28", "::", "07.28.00"]),
    st.sampled_from(["GMT", "", "-0000", "+9999", "+99999999", "-²", "XYZ", "(comment"]),
)
HEADERS = st.fixed_dictionaries({}, optional={"Retry-After": DIGITS | DATES | st.text(max_size=20)})
ANSWERS = st.tuples(st.just(200) | st.just(200) | STATUSES.filter(lambda status: status not in (204, 304)), HEADERS)


def features(id_: str, shift: int) -> dict[str, Any]:
    """The features of a track, whose tempo tells whose they are."""
    values = {feature.name: 1 if feature.whole else 0.25 for feature in FEATURES}
    return {"id": id_, "uri": f"spotify:track:{id_}", **values, "tempo": 100.0 + shift}


def entry(kind: Kind, id_: str, shift: int) -> dict[str, Any]:
    """An object of the catalog, whose name tells whose it is."""
    one = kind.value.removesuffix("s")
    artist = {"id": "1" * 22, "uri": "spotify:artist:" + "1" * 22, "name": "Quartet"}
    return {
        "type": one,
        "id": id_,
        "uri": f"spotify:{one}:{id_}",
        "name": f"name {shift}",
        "popularity": 50,
        "artists": [artist],
        "album": {"id": "2" * 22, "name": "Opera", "artists": [artist], "release_date": "2016-03"},
        "images": [{"url": "https://i.example/1", "width": 64}],
        "genres": ["rock"],
        "followers": {"total": 7},
        "external_ids": {"isrc": "NLA", "upc": "1"},
        "duration_ms": 1000,
    }


FIELDS = st.sampled_from(
    [*(one.name for one in FEATURES), *entry(Kind.TRACKS, "", 0), "linked_from", "href", "release_date"]
)


def answered(status: int, body: bytes, headers: Mapping[str, str]) -> Write:
    return reply(status, body, {name: value for name, value in headers.items() if is_sendable(value)})


def is_sendable(value: str) -> bool:
    return value.isprintable() and value.isascii()
