"""What a person reads at the end of an archive's run, and of a restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from echotune.archive.archives import Archive, State
from echotune.run_summary import left_in_summary
from echotune.storage.quantities import bytes_text


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there was to archive.

    :param plays: those old enough
    :param users: whose they are
    :param before: the first day that stays
    :param unfinished: users' years that an earlier run did not finish
    :param frees: what their removal frees in MongoDB, in bytes, about; None where the server does not tell
    """

    plays: int
    users: int
    before: str
    unfinished: int = 0
    frees: int | None = None


def summarise_archive(
    found: Found, archives: Sequence[Archive], *, unfit: int, problems: Sequence[str], dry_run: bool
) -> dict[str, Any]:
    """The summary of a run: sentences for a person, counts for a program.

    :param archives: those that the run was done with
    :param unfit: plays that stay because the sync could not copy them
    """
    removed = sum(archive.removed for archive in archives)
    lines = [_headline(found, archives, removed, dry_run=dry_run)]
    if removed:
        lines.append(
            f"{_freed(found, removed)}MongoDB gives the room to new plays; its files stay as large as they are."
        )
    kept = sum(archive.plays for archive in archives) - removed
    left = [(kept, f"Left for the next run: {counted(kept, 'play')} that changed meanwhile.")] if kept else []
    if unfit:
        why = "with a value that does not fit, which the sync has in quarantine"
        left.append((unfit, f"Not archived: {counted(unfit, 'play')} {why}."))
    lines += [sentence for _, sentence in left]
    lines += [f"To mend: {problem}" for problem in problems]
    counts = {"found": found.plays, "removed": removed, "files": len(archives), "unfit": unfit}
    size = sum(archive.size for archive in archives)
    return {
        "text": lines,
        **left_in_summary(left),
        "counts": counts | {"size": size},
        "problems": list(problems),
        "dry_run": dry_run,
    }


def _headline(found: Found, archives: Sequence[Archive], removed: int, *, dry_run: bool) -> str:
    if dry_run:
        return f"Dry run: nothing was written. {_foretold(found)}"
    if not archives:
        return f"Nothing to archive: MongoDB has no play older than {found.before} that can be."
    size = bytes_text(sum(archive.size for archive in archives))
    plays = counted(removed, "play")
    users = counted(len({archive.username for archive in archives}), "user")
    return f"Archived: {plays} of {users} before {found.before}, in {counted(len(archives), 'file')} of {size}."


def _foretold(found: Found) -> str:
    left = f" {counted(found.unfinished, 'file')} of earlier runs would be finished." if found.unfinished else ""
    if not found.plays:
        return f"No play is older than {found.before}.{left}"
    frees = f", which frees about {bytes_text(found.frees)}" if found.frees else ""
    whose = f"{counted(found.plays, 'play')} of {counted(found.users, 'user')}"
    return f"{whose} before {found.before} would be archived{frees}.{left}"


def counted(number: int, what: str) -> str:
    """A number of things: ``1 file``, ``2,000 files``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _freed(found: Found, removed: int) -> str:
    if not found.frees or not found.plays:
        return ""
    return f"About {bytes_text(found.frees * min(1, removed / found.plays))} are free for reuse. "


def summarise_restore(
    found: Sequence[Archive], restored: Sequence[Archive], *, problems: Sequence[str], dry_run: bool
) -> dict[str, Any]:
    """The summary of a restore.

    :param found: the archives that held plays
    :param restored: those that the run was done with
    """
    plays = sum(archive.restored for archive in restored)
    if dry_run:
        held = sum(archive.removed for archive in found)
        line = f"Dry run: nothing was written. {counted(len(found), 'archive')} held {counted(held, 'play')} once."
    elif restored:
        line = f"Back in MongoDB: {counted(plays, 'play')} of {counted(len(restored), 'archive')}, whose files stay."
    else:
        line = "Nothing to restore: no archive holds such plays."
    lines = [line, *(f"To mend: {problem}" for problem in problems)]
    counts = {"found": len(found), "archives": len(restored), "restored": plays}
    left = 0 if dry_run else sum(archive.state is not State.RESTORED for archive in found)
    return {
        "text": lines,
        **left_in_summary([(left, f"Not restored: {counted(left, 'archive')}.")]),
        "counts": counts,
        "problems": list(problems),
        "dry_run": dry_run,
    }
