"""What a person chooses, and what they read at the end."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.run_summary import RunSummary
from echotune.spotify_account.errors import AccountError
from echotune.spotify_account.report import NOBODY, Outcome, summarise
from echotune.spotify_account.settings import AccountSettings

COUNTS = {"rows": 5, "inserted": 3, "already_there": 2, "repeats": 0, "rejected": 0, "other_users": 0}
TOLD = {"told": 4, "inserted": 1, "updated": 2, "gone": 1, "unreadable": 0}


def summary_of(**fields: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"listeners": [], "loaded": [], "playlists": [], "catalog": {}, "failed": []}
    return summarise(Outcome(**nothing | fields))


def test_settings_come_as_templates_give_them() -> None:
    settings = AccountSettings.of({"users": "bert, anna", "playlists": "False", "calls_per_24h": "9"})
    assert (settings.users, settings.playlists, settings.limits.calls_per_24h) == (("bert", "anna"), False, 9)
    assert settings.chosen(["anna", "bert", "carla"]) == ["anna", "bert"]
    assert AccountSettings.of({"users": ""}).chosen(["anna"]) == ["anna"]


def test_a_listener_without_authorization_is_named() -> None:
    with pytest.raises(AccountError, match="dora, who gave no authorization: run `make authorize`"):
        AccountSettings(users=("dora",)).chosen(["anna"])
    with pytest.raises(AccountError, match="calls_per_24h is 'many'"):
        AccountSettings.of({"calls_per_24h": "many"})


def test_a_run_without_listeners_says_what_to_do() -> None:
    assert summary_of()["text"] == [NOBODY]


def test_a_run_is_told_listener_by_listener() -> None:
    summary = summary_of(
        listeners=["anna", "bert", "carla", "dora"],
        loaded=[
            {"username": "anna", "counts": COUNTS, "gap": "anna: plays between … may be missing"},
            {"username": "bert", "problem": "bert: the authorization is over: run `make authorize`"},
            {"username": "carla", "postponed": "carla: Spotify: too many calls (429)"},
        ],
        playlists=[{"username": "anna", "counts": TOLD}],
        catalog={"tracks": 2, "artists": 0, "albums": 1},
        failed=["load_plays"],
    )
    assert summary["text"] == [
        "3 new plays of 4 listener(s).",
        "anna: 3 new plays, 2 known",
        "anna: 4 playlists (1 new, 2 changed, 1 gone at Spotify and kept)",
        "New in the catalog: 2 tracks, 0 artists, 1 albums",
        "anna: plays between … may be missing.",
        "Left to the next run: carla: Spotify: too many calls (429).",
        "To mend: bert: the authorization is over: run `make authorize`",
        "To mend: dora: load_plays failed, see its log",
    ]
    assert RunSummary.of(summary).left == 2
    assert len(summary["problems"]) == 2


def test_playlists_of_an_account_with_a_problem_are_not_missed() -> None:
    summary = summary_of(
        listeners=["anna", "bert"],
        loaded=[{"username": "anna", "counts": COUNTS, "gap": None}, {"username": "bert", "problem": "bert: over"}],
        failed=["bring_playlists", "load_plays", "prepare_playlists"],
    )
    assert summary["problems"] == [
        "bert: over",
        "anna: bring_playlists failed, see its log",
        "prepare_playlists failed, see its log",
    ]
