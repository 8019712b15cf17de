"""make audit: what it asks about, and that each finding that stays is answered in words."""

from __future__ import annotations

from local.files import PROJECT

ANSWERS = PROJECT / "local" / "advisories.txt"
SCRIPT = (PROJECT / "local" / "audit").read_text(encoding="utf-8")


def test_each_finding_that_stays_has_its_reason() -> None:
    lines = [line for line in ANSWERS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if len(line.split()) < 5] == []


def test_a_package_that_nobody_could_be_asked_about_is_no_good_news() -> None:
    assert "--strict" in SCRIPT


def test_every_lock_is_asked_about() -> None:
    locks = {*PROJECT.glob("requirements.txt"), *PROJECT.glob("local/requirements.txt")}
    assert {str(lock.relative_to(PROJECT)) for lock in locks} <= {*SCRIPT.split(), *SCRIPT.replace(";", " ").split()}
