"""Whatever Spotify answers of an account: each item becomes a play or is rejected, each refusal has a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import bson
from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.spotify_client import Kind
from echotune.spotify_account.client import Account
from echotune.spotify_account.errors import AccountError, AccountUnavailable, Postponed
from echotune.spotify_account.playlists import playlist_row_id, read_playlist
from echotune.spotify_account.plays import shape_play
from echotune.spotify_account.recently_played import shape_items
from echotune.spotify_account.tokens import AccountAuthorization
from tests.fuzzing.cases import in_time, part_of_cases
from tests.fuzzing.drawn_answers import ANSWERS, BODIES, FIELDS, IDS, TOKEN, VALUES, answered, entry
from tests.support.accounts import QUICK, gate
from tests.support.databases import OPTIONS
from tests.support.http_server import RawServer, replies, reply

NOW = datetime(2026, 11, 1, tzinfo=UTC)
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
