"""Whatever a service answers: it is understood as one of seven things, and no value goes to a track it is not of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import bson
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
from echotune.spotify_account.client import classify_account
from echotune.spotify_account.tokens import classify_authorization
from tests.fuzzing.cases import in_time, part_of_cases
from tests.fuzzing.drawn_answers import (
    ANSWERS,
    BODIES,
    FIELDS,
    HEADERS,
    IDS,
    STATUSES,
    STRANGER,
    TOKEN,
    VALUES,
    answered,
    entry,
    features,
)
from tests.support.accounts import QUICK, gate
from tests.support.enriching import new_capabilities
from tests.support.http_server import RawServer, replies

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
