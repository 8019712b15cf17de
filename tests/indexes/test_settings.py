"""What a person chooses for the maintenance of indexes."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.indexes.settings import IndexesError, MaintenanceSettings


def test_settings_come_as_text_from_templates() -> None:
    texts = {"dry_run": "True", "hide_after_days": "7", "manage_undeclared": "False", "reindex_above_bloat": "0.5"}
    settings = MaintenanceSettings.of(texts)
    assert (settings.dry_run, settings.hide_after_days, settings.manage_undeclared) == (True, 7, False)
    assert settings.reindex_above_bloat == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hide_after_days", "soon"),
        ("drop_after_days", 0),
        ("reindex_above_bloat", 1.5),
        ("lock_timeout_milliseconds", 0),
        ("lock_attempts", 0),
        ("shard_above_gigabytes", -1),
        ("hide_after_dayz", 3),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(name: str, value: Any) -> None:
    with pytest.raises(IndexesError, match=name):
        MaintenanceSettings.of({name: value})
