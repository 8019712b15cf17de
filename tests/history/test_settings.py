"""What a person chooses for a load."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.history.errors import HistoryError
from echotune.history.privacy import PersonalDataPolicy
from echotune.history.settings import BadRowAction, LoadSettings


def test_by_default_personal_data_is_dropped_and_bad_rows_are_put_aside() -> None:
    settings = LoadSettings()
    assert (settings.pii_policy, settings.on_bad_row) == (PersonalDataPolicy.DROP, BadRowAction.QUARANTINE)


def test_settings_are_read_from_the_text_that_templates_give() -> None:
    given = {"chunk_rows": "500", "max_bad_share": "0.2", "dry_run": "True", "pii_policy": "keep"}
    read = LoadSettings.of(given)
    assert read == LoadSettings(chunk_rows=500, max_bad_share=0.2, dry_run=True, pii_policy=PersonalDataPolicy.KEEP)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chunk_rows", 0),
        ("chunk_rows", "many"),
        ("max_bad_share", 1.5),
        ("max_bad_share", -0.1),
        ("max_bad_share", "nan"),
        ("pii_policy", "forget"),
        ("on_bad_row", "ignore"),
        ("dry_run", "perhaps"),
        ("chunk_row", 5),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(HistoryError, match=f"^{name} is {value!r}: "):
        LoadSettings.of({name: value})


def test_each_wrong_setting_is_named() -> None:
    with pytest.raises(HistoryError, match="chunk_rows is 0: .*; max_bad_share is 2: "):
        LoadSettings.of({"chunk_rows": 0, "max_bad_share": 2})
