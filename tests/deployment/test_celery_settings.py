"""What a Celery worker imports at its start."""

from __future__ import annotations

from importlib import import_module

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG

from echotune.deployment.celery_settings import CELERY_SETTINGS


def test_all_that_the_provider_sets_is_kept() -> None:
    assert CELERY_SETTINGS.items() >= DEFAULT_CELERY_CONFIG.items()


def test_what_is_imported_at_the_start_is_there_and_none_of_our_own() -> None:
    for name in CELERY_SETTINGS["imports"]:
        assert import_module(name)
        assert not name.startswith("echotune")
