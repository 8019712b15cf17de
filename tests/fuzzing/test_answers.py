"""Whatever a service answers: it is understood as one of seven things, and no value goes to a track it is not of."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from spotipy.cache_handler import MemoryCacheHandler

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import (
    LONGEST_WAIT_SECONDS,
    Classify,
    Received,
    classify_reccobeats,
    classify_spotify,
    classify_token,
)
from echotune.enrichment.features import FEATURES
from echotune.enrichment.providers.base import Lookup, Provider
from echotune.enrichment.providers.reccobeats import ReccoBeats
from echotune.enrichment.providers.spotify_catalog import SpotifyCatalog
from echotune.enrichment.providers.spotify_features import SpotifyFeatures
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.spotify_client import Kind, SpotifyClient
from echotune.spotify_account.client import Account, classify_account
from echotune.spotify_account.errors import AccountError, AccountUnavailable, Postponed
from echotune.spotify_account.playlists import playlist_row_id, read_playlist
from echotune.spotify_account.plays import shape_play
from echotune.spotify_account.recently_played import shape_items
from echotune.spotify_account.tokens import AccountAuthorization, classify_authorization
from tests.fuzzing.cases import in_time, part_of_cases
from tests.fuzzing.damage import damaged
from tests.support.accounts import QUICK, gate
from tests.support.databases import OPTIONS
from tests.support.enriching import new_capabilities
from tests.support.http_server import RawServer, Write, raw_server, replies, reply

NOW = datetime(2026, 11, 1, tzinfo=UTC)
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
CLASSIFIERS = (classify_spotify, classify_token, classify_reccobeats, classify_account, classify_authorization)


@part_of_cases(0.4)
@given(st.sampled_from(CLASSIFIERS), STATUSES | st.integers(100, 999), HEADERS, BODIES)
@in_time
def test_an_answer_is_one_of_seven_things(
    classify: Classify, status: int, headers: dict[str, str], body: bytes
) -> None:
    answer = classify(Received(status=status, headers=CaseInsensitiveDict(headers), body=body))
    require_sensible(answer, status)
    if answer.outcome is Outcome.NOT_FOUND:
        assert classify in (classify_spotify, classify_account)
    if answer.outcome is Outcome.DATA:
        assert status == 200
        assert json.dumps(answer.body) == json.dumps(json.loads(body))


def require_sensible(answer: Answer, status: int) -> None:
    assert answer.outcome is not Outcome.NOT_FOUND or status == 404
    assert (answer.outcome is Outcome.RATE_LIMITED) == (status == 429)
    assert answer.outcome is not Outcome.RATE_LIMITED or 1 <= answer.seconds <= LONGEST_WAIT_SECONDS
    assert answer.outcome is Outcome.DATA or answer.reason
    assert TOKEN not in answer.reason
    assert answer.reason.isprintable()


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
SPOILING = st.lists(st.tuples(st.integers(0, 4), FIELDS, VALUES), max_size=3)
LIST_CHANGES = st.lists(
    st.tuples(st.sampled_from(["null", "swap", "drop", "double", "stranger", "odd"]), st.integers(0, 3), VALUES),
    max_size=3,
)


def spoiled(items: list[Any], fields: list[tuple[int, str, Any]], changes: list[tuple[str, int, Any]]) -> list[Any]:
    items = [dict(item) for item in items]
    for place, name, value in fields:
        items[place % len(items)][name] = value
    for what, place, value in changes:
        at = place % max(len(items), 1)
        match what:
            case "null":
                items[at : at + 1] = [None]
            case "swap":
                items.insert(0, items.pop() if items else None)
            case "drop":
                items[at : at + 1] = []
            case "double":
                items[at:at] = items[at : at + 1]
            case "stranger" if items and isinstance(items[at], dict):
                items[at] = items[at] | {"id": STRANGER, "href": f"https://open.spotify.com/track/{STRANGER}"}
            case "odd":
                items[at : at + 1] = [value]
    return items


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with raw_server() as started:
        yield started


def answered(status: int, body: bytes, headers: Mapping[str, str]) -> Write:
    return reply(status, body, {name: value for name, value in headers.items() if is_sendable(value)})


def is_sendable(value: str) -> bool:
    return value.isprintable() and value.isascii()


ANSWERS = st.tuples(st.just(200) | st.just(200) | STATUSES.filter(lambda status: status not in (204, 304)), HEADERS)
LISTED = {"audio-features": "audio_features", "reccobeats": "content", **{kind.value: kind.value for kind in Kind}}


def provider_at(server: RawServer, name: str) -> Provider:
    if name == "reccobeats":
        return ReccoBeats(client=ReccoBeatsClient(server.url + "/v1", bounds=QUICK), gate=gate())
    cache = MemoryCacheHandler({"access_token": TOKEN, "expires_at": 2**40})
    client = SpotifyClient(
        "id", "secret", cache, api_url=server.url + "/v1", accounts_url=server.url + "/api/token", bounds=QUICK
    )
    if name == "audio-features":
        return SpotifyFeatures(client=client, gate=gate(), capabilities=new_capabilities())
    return SpotifyCatalog(Kind(name), client=client, gate=gate(), capabilities=new_capabilities())


def usual_items(name: str) -> list[dict[str, Any]]:
    if name in ("audio-features", "reccobeats"):
        return [
            features(id_, shift) | {"href": f"https://open.spotify.com/track/{id_}"} for shift, id_ in enumerate(IDS)
        ]
    return [entry(Kind(name), id_, shift) for shift, id_ in enumerate(IDS)]


@part_of_cases(0.3)
@given(st.data(), st.sampled_from(sorted(LISTED)), SPOILING, LIST_CHANGES, st.lists(ANSWERS, min_size=1, max_size=2))
@in_time
def test_a_look_up_stores_only_what_was_answered_for_an_id(
    server: RawServer,
    data: st.DataObject,
    name: str,
    fields: list[tuple[int, str, Any]],
    changes: list[tuple[str, int, Any]],
    answers: list[tuple[int, dict[str, str]]],
) -> None:
    items = spoiled(usual_items(name), fields, changes)
    whole = {LISTED[name]: items}
    is_single = data.draw(st.integers(0, 4)) == 0
    sent = items[0] if is_single and items else whole
    bodies = [json.dumps(sent).encode() if status == 200 else data.draw(BODIES) for status, _ in answers]
    server.answer = replies(
        *(answered(status, body, headers) for (status, headers), body in zip(answers, bodies, strict=True))
    )
    lookup = provider_at(server, name).look_up([*IDS, "no id"])
    told = json.loads(json.dumps(items))
    statuses = {status for status, _ in answers}
    require_honest(lookup, told, name, statuses)


def require_honest(lookup: Lookup, items: Sequence[Any], name: str, statuses: set[int]) -> None:
    """What was found is in the answer, for that very id; only a null, a 404 or an omission is an absence."""
    asked = {*IDS, "no id"}
    groups = [set(lookup.found), set(lookup.absent), set(lookup.broken)]
    assert set.union(*groups) <= asked
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert lookup.refusal is not None or set.union(*groups) == asked
    for id_, values in lookup.found.items():
        meant = [item for item in items if is_for(item, id_, name)]
        assert any(says(item, values, name) for item in meant), f"{values} is not what was answered for {id_}"
        bson.encode(values)
    for id_ in lookup.absent:
        assert not any(is_for(item, id_, name) for item in items) or 404 in statuses
        assert None in items or 404 in statuses or name == "reccobeats"
    assert all(reason.isprintable() for reason in lookup.broken.values())


def is_for(item: Any, id_: str, name: str) -> bool:
    if not isinstance(item, dict):
        return False
    if name == "reccobeats":
        return isinstance(item.get("href"), str) and f"/track/{id_}" in item["href"]
    origin = item.get("linked_from")
    return item.get("id") == id_ or (isinstance(origin, dict) and origin.get("id") == id_)


def says(item: Mapping[str, Any], values: Mapping[str, Any], name: str) -> bool:
    if name in ("audio-features", "reccobeats"):
        ranges = {feature.name: feature for feature in FEATURES}
        return all(
            values[each] == item[each]
            and not isinstance(item[each], bool)
            and ranges[each].low <= values[each] <= ranges[each].high
            for each in values
        ) and values.keys() >= ranges.keys() - {"time_signature"}
    same = [each for each in ("popularity", "duration_ms", "explicit", "genres", "label") if each in values]
    return values.get("name") in (item["name"], None) and all(
        values[each] == ([one for one in item[each] if one.strip()] if each == "genres" else item[each])
        for each in same
    )


PLAY = {
    "track": entry(Kind.TRACKS, IDS[0], 0),
    "played_at": "2026-11-01T10:00:00.123Z",
    "context": {"uri": "spotify:playlist:1"},
}
PLAY_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["", "track", "context"]),
        st.text(max_size=3) | FIELDS | st.sampled_from([*PLAY, "uri"]),
        VALUES,
    ),
    max_size=3,
)


def changed_play(changes: list[tuple[str, str, Any]]) -> Any:
    play: dict[str, Any] = json.loads(json.dumps(PLAY))
    for part, name, value in changes:
        target = play.get(part) if part else play
        if isinstance(target, dict):
            target[name] = value
    return play


@part_of_cases(0.2)
@given(PLAY_CHANGES.map(changed_play) | VALUES)
@in_time
def test_an_item_of_recently_played_becomes_a_play_or_is_rejected(item: Any) -> None:
    plays, rejected = shape_items([item], "anna", NOW)
    assert len(plays) + len(rejected) == 1
    for play in plays:
        stored = bson.decode(bson.encode(play, codec_options=OPTIONS), codec_options=OPTIONS)
        assert stored["spotify_track_uri"] == item["track"]["uri"].replace("\0", "\ufffd")
        assert (
            stored["timestamp"] == datetime.fromisoformat(item["played_at"]).replace(tzinfo=UTC)
            or "123Z" not in item["played_at"]
        )
        assert stored == bson.decode(
            bson.encode(shape_play(item, "anna", NOW), codec_options=OPTIONS), codec_options=OPTIONS
        )
    with_playlist = read_playlist(item["track"] if isinstance(item, dict) and "track" in item else item)
    if with_playlist is not None:
        for text in (with_playlist.spotify_id, with_playlist.name, with_playlist.description or ""):
            assert b"\0" not in text.encode()
        playlist_row_id("anna", with_playlist.spotify_id)


@part_of_cases(0.1)
@given(st.data(), st.lists(ANSWERS, min_size=1, max_size=3), st.integers(0, 60))
@in_time
def test_an_account_tells_its_items_or_why_not(
    server: RawServer, data: st.DataObject, answers: list[tuple[int, dict[str, str]]], items: int
) -> None:
    bodies = [data.draw(BODIES) for _ in answers]
    bodies[-1] = data.draw(st.just(json.dumps({"items": [PLAY] * items}).encode()) | BODIES)
    good = json.dumps(
        {"access_token": TOKEN, "expires_in": 3600, "refresh_token": data.draw(st.none() | st.just(TOKEN))}
    )
    first = [reply(200, good.encode())] if data.draw(st.booleans()) else []
    server.answer = replies(
        *first, *(answered(status, body, headers) for (status, headers), body in zip(answers, bodies, strict=True))
    )
    kept: list[Any] = []
    account = Account(
        "anna",
        AccountAuthorization(client_id="id", accounts_url=server.url + "/api/token", bounds=QUICK),
        "refresh",
        keep=kept.append,
        gate=gate(),
        api_url=server.url + "/v1",
        bounds=QUICK,
    )
    asks: list[Callable[[], Any]] = [lambda: account.recently_played(None), lambda: list(account.playlists())]
    try:
        found = data.draw(st.sampled_from(asks))()
        assert isinstance(found, list)
    except (AccountError, AccountUnavailable, Postponed) as error:
        assert str(error).startswith("anna: ")
        assert TOKEN not in str(error)
    assert all(isinstance(token, str) and token for token in kept), "what is kept is no refresh token"
