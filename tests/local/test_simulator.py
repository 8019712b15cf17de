"""The simulator speaks as Spotify and ReccoBeats do, and every value follows from the id alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import spotipy
from spotipy.oauth2 import SpotifyClientCredentials

from local.errors import StackError
from local.files import PROJECT
from local.servers.simulator import SpotifySimulator
from local.simulator import catalog, features
from local.simulator.chance import ID_LENGTH
from tests.support.simulator import Caller, some_ids

SIZES = {"audio-features": 100, "tracks": 50, "artists": 50, "albums": 20}
KEYS = {"audio-features": "audio_features", "tracks": "tracks", "artists": "artists", "albums": "albums"}
RANGES = {
    "danceability": (0, 1),
    "energy": (0, 1),
    "key": (0, 11),
    "loudness": (-60, 0),
    "mode": (0, 1),
    "speechiness": (0, 1),
    "acousticness": (0, 1),
    "instrumentalness": (0, 1),
    "liveness": (0, 1),
    "valence": (0, 1),
    "tempo": (40, 220),
    "time_signature": (3, 5),
}
endpoints = pytest.mark.parametrize("endpoint", SIZES)


def _error(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()["error"]


def _unknown_track() -> str:
    return next(one for one in some_ids(3000) if catalog.is_unknown_track(one))


@endpoints
def test_a_batch_answers_in_the_order_asked_and_alike_singly(caller: Caller, endpoint: str) -> None:
    ids = some_ids(SIZES[endpoint])
    answer = caller.batch(endpoint, ids)
    assert (answer.status_code, answer.history) == (200, [])
    items = answer.json()[KEYS[endpoint]]
    assert all(item is None or item["id"] == one for one, item in zip(ids, items, strict=True))
    known = next(item for item in items if item)
    assert caller.get(f"{endpoint}?ids={known['id']}").json() == {KEYS[endpoint]: [known]}
    assert caller.get(f"{endpoint}/{known['id']}").json() == known


@endpoints
def test_what_may_not_be_asked_is_told(caller: Caller, endpoint: str) -> None:
    too_many = some_ids(SIZES[endpoint] + 1)
    assert _error(caller.batch(endpoint, too_many)) == (400, {"status": 400, "message": "Too many ids requested"})
    assert _error(caller.batch(endpoint, ["short"])) == (400, {"status": 400, "message": "invalid id"})
    assert _error(caller.get(f"{endpoint}/short")) == (400, {"status": 400, "message": "Invalid base62 id"})
    assert caller.get(endpoint).status_code == 400
    assert _error(caller.get("lyrics")) == (404, {"status": 404, "message": "Service not found"})


def test_an_unknown_id_is_null_in_a_batch_and_404_alone(caller: Caller) -> None:
    unknown, known = _unknown_track(), some_ids(1)[0]
    for endpoint in ("tracks", "audio-features"):
        items = caller.batch(endpoint, [unknown, known]).json()[KEYS[endpoint]]
        assert items[0] is None
        assert items[1]["id"] == known
        assert _error(caller.get(f"{endpoint}/{unknown}"))[0] == 404
    caller.simulator.control.settings(unknown_ids=[known])
    assert caller.batch("albums", [known]).json() == {"albums": [None]}
    assert caller.reccobeats([known]).json() == {"content": []}


def test_a_token_needs_the_right_client_and_ends(caller: Caller) -> None:
    control = caller.simulator.control
    wrong = caller.token(secret="wrong")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")
    assert caller.token(grant="password").json()["error"] == "unsupported_grant_type"
    assert caller.token().json()["expires_in"] == 3600
    asked = some_ids(1)
    assert caller.batch("tracks", asked).status_code == 200
    control.expire_tokens()
    assert _error(caller.batch("tracks", asked)) == (401, {"status": 401, "message": "The access token expired"})
    caller.renew()
    assert caller.batch("tracks", asked).status_code == 200
    control.settings(token_seconds=0.001)
    caller.renew()
    time.sleep(0.01)
    assert caller.batch("tracks", asked).status_code == 401
    caller.http.headers["Authorization"] = "Bearer of bad news"
    assert _error(caller.batch("tracks", asked))[1]["message"] == "Invalid access token"
    assert caller.simulator.control.report()["tokens_issued"] == 3


def test_development_mode_refuses_batches_and_leaves_fields_out(caller: Caller) -> None:
    caller.simulator.control.settings(mode="development")
    asked = some_ids(1)
    for endpoint in ("tracks", "artists", "albums"):
        assert _error(caller.batch(endpoint, asked)) == (403, {"status": 403, "message": "Forbidden"})
    assert caller.batch("audio-features", asked).json() == {"error": {"status": 403}}
    assert caller.get(f"audio-features/{asked[0]}").json() == {"error": {"status": 403}}
    track, artist, album = (caller.get(f"{kind}/{asked[0]}").json() for kind in ("tracks", "artists", "albums"))
    assert {"popularity", "available_markets", "linked_from"}.isdisjoint(track)
    assert {"popularity", "available_markets"}.isdisjoint(track["album"])
    assert {"popularity", "followers", "genres"}.isdisjoint(artist)
    assert {"popularity", "available_markets", "label"}.isdisjoint(album)
    assert set(track["external_ids"]) == {"isrc"}
    assert set(album["external_ids"]) == {"upc"}


def test_audio_features_open_and_close_alone(caller: Caller) -> None:
    asked = some_ids(1)
    caller.simulator.control.settings(audio_features="closed")
    assert caller.batch("audio-features", asked).json() == {"error": {"status": 403}}
    assert caller.batch("tracks", asked).status_code == 200
    caller.simulator.control.settings(mode="development", audio_features="open")
    assert caller.batch("audio-features", asked).status_code == 200
    assert caller.batch("tracks", asked).status_code == 403


def test_features_are_in_range_and_few_are_missing() -> None:
    made = [features.spotify_features(one) for one in some_ids(5000)]
    for body in filter(None, made):
        values = json.loads(body)
        assert all(low <= values[name] <= high for name, (low, high) in RANGES.items()), values
    assert 25 <= made.count(None) <= 90
    assert 3 <= sum(map(catalog.is_unknown_track, some_ids(5000))) <= 35


def test_artists_and_albums_of_tracks_repeat_and_agree_with_their_own_objects(caller: Caller) -> None:
    made = [json.loads(body) for body in map(catalog.track, some_ids(4000)) if body]
    artists = [artist["id"] for track in made for artist in track["artists"]]
    assert len(set(artists)) < len(artists) * 0.75
    assert {len(track["artists"]) for track in made} == {1, 2, 3}
    assert all(
        len(track["id"]) == ID_LENGTH and track["track_number"] <= track["album"]["total_tracks"] for track in made
    )
    track = made[0]
    album = caller.get(f"albums/{track['album']['id']}").json()
    assert track["album"].items() <= album.items()
    artist = caller.get(f"artists/{track['artists'][0]['id']}").json()
    assert track["artists"][0].items() <= artist.items()
    assert track["album"]["artists"][0]["id"] == track["artists"][0]["id"]


def test_values_are_the_same_in_every_process() -> None:
    one = some_ids(1)[0]
    script = (
        "from local.simulator import catalog, features; import sys; "
        f"sys.stdout.buffer.write(catalog.track({one!r}) + features.spotify_features({one!r}))"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, check=True)
    track, values = catalog.track(one), features.spotify_features(one)
    assert track is not None
    assert values is not None
    assert run.stdout == track + values


def test_reccobeats_answers_some_in_another_order_without_a_token(caller: Caller) -> None:
    ids = some_ids(40)
    content = caller.reccobeats(ids).json()["content"]
    answered = [item["href"].rpartition("/")[2] for item in content]
    assert 25 <= len(answered) < 40
    assert set(answered) < set(ids)
    assert answered != [one for one in ids if one in answered]
    assert {len(item) for item in content} == {14}
    assert all("time_signature" not in item for item in content)
    spotifys = {item["id"]: item for item in caller.batch("audio-features", answered).json()["audio_features"] if item}
    same = [item for item in content if item["tempo"] == spotifys.get(item["href"].rpartition("/")[2], {}).get("tempo")]
    assert same == []


@pytest.mark.parametrize("count", [0, 41])
def test_reccobeats_takes_1_to_40_ids(caller: Caller, count: int) -> None:
    answer = caller.reccobeats(some_ids(count))
    errors = [{"path": "getAudioFeatures.ids", "message": "size must be between 1 and 40"}]
    assert (answer.status_code, answer.json()) == (400, {"status": 4004, "errors": errors})


def test_reccobeats_knows_most_tracks_and_sometimes_no_key() -> None:
    known = [one for one in map(features.reccobeats_features, some_ids(4000)) if one]
    assert 0.82 < len(known) / 4000 < 0.88
    assert any(json.loads(body)["key"] == -1 for _, body in known)


def test_spotipy_understands_it(simulator: SpotifySimulator) -> None:
    login = SpotifyClientCredentials(
        simulator.client_id, simulator.password, cache_handler=spotipy.cache_handler.MemoryCacheHandler()
    )
    login.OAUTH_TOKEN_URL = f"{simulator.accounts_url}/api/token"
    client = spotipy.Spotify(auth_manager=login, requests_session=requests.Session())
    client.prefix = f"{simulator.api_url}/"
    ids = some_ids(3)
    with warnings.catch_warnings(action="ignore"):
        assert [item["id"] for item in client.audio_features(ids)] == ids
    assert [item["id"] for item in client.tracks(ids)["tracks"]] == ids
    assert client.artist(ids[0])["id"] == ids[0]
    assert client.album(ids[0])["id"] == ids[0]


def test_the_server_keeps_its_secret_to_itself_and_stops(tmp_path: Path) -> None:
    server = SpotifySimulator(tmp_path / "spotify")
    server.start()
    try:
        assert server.version() == "extended"
        assert server.pid is not None
        assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text()
        held = server.folder / "credentials.json"
        assert held.stat().st_mode & 0o077 == 0
        server.kill()
        assert not server.running
        with pytest.raises(StackError, match="does not answer"):
            server.control.health()
        server.start()
        assert SpotifySimulator(server.folder).password == server.password
        with Caller(server) as caller:
            assert caller.batch("tracks", some_ids(1)).status_code == 200
        assert server.password not in server.service.log.read_text()
    finally:
        assert server.stop()


@pytest.mark.parametrize("settings", [{"limit": 0}, {"mode": "bankrupt"}, {"limits": 3}])
def test_a_setting_that_cannot_be_is_refused(simulator: SpotifySimulator, settings: dict[str, object]) -> None:
    with pytest.raises(StackError, match="422"):
        simulator.control.settings(**settings)
