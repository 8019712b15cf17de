"""Users who are forgotten while a sync has documents of them in hand: no row of them comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from echotune.history.forgotten import ForgottenUsers, digest_of
from echotune.sync.batches import Batch, FitDocument
from echotune.sync.tables import Table

READS_USERS = ("plays", "users")
"""The collections whose documents are of users."""


@dataclass(kw_only=True)
class LeavingOut:
    """Leaves documents of forgotten users out of batches.

    Who forgets a user notes it first and takes the writers' lock then. So a writer that holds the lock and looks here
    knows of everyone whose rows were deleted, and rows of anyone noted later are deleted after it wrote them.

    :param users: those forgotten since the documents began to be read
    """

    users: ForgottenUsers
    _known: frozenset[str] = field(default=frozenset(), init=False)

    def without(self, table: Table, batch: Batch) -> Batch:
        """The batch without documents of users who are forgotten by now; its position stays."""
        self._known = self.users.digests() if table.collection in READS_USERS else frozenset()
        if not self._known:
            return batch
        return replace(
            batch,
            fit=[document for document in batch.fit if not self._is_forgotten(user_of(table, document))],
            rejected=[document for document in batch.rejected if not self._is_forgotten(document.username)],
        )

    def is_outdated(self, table: Table) -> bool:
        """Whether somebody was forgotten since the last batch was looked at."""
        return table.collection in READS_USERS and bool(self.users.digests() - self._known)

    def _is_forgotten(self, username: str | None) -> bool:
        return username is not None and digest_of(username) in self._known


def user_of(table: Table, document: FitDocument) -> str | None:
    """The username of a document of the plays or the users."""
    names = [column.name for column in table.staged]
    username: str | None = document.rows[0][names.index("username")] if document.rows else None
    return username
