"""The one who is forgotten, in the spellings by which places know a user."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote
from uuid import UUID

from echotune.history.forgotten import digest_of
from echotune.sync.row_ids import Kind, row_id
from echotune.sync.values import NUL, REPLACEMENT


@dataclass(frozen=True)
class Person:
    """A user of the listening history."""

    username: str

    @property
    def row_id(self) -> UUID:
        """The id of the user's row in PostgreSQL, and of the user's profile in MongoDB."""
        return row_id(Kind.USER, self.text)

    @property
    def text(self) -> str:
        """The name as PostgreSQL has it."""
        return self.username.replace(NUL, REPLACEMENT)

    @property
    def digest(self) -> str:
        """What is kept in the name's place of who was forgotten."""
        return digest_of(self.username)

    @cached_property
    def named(self) -> re.Pattern[bytes]:
        """Finds the name as a whole word in bytes: plain, as JSON or an address spells it, its digest, its row's id."""
        forms = {
            self.username,
            json.dumps(self.username)[1:-1],
            json.dumps(self.username, ensure_ascii=False)[1:-1],
            quote(self.username, safe=""),
            self.digest[:16],
            self.digest,
            str(self.row_id),
        }
        spelled = b"|".join(re.escape(form.encode(errors="surrogatepass")) for form in sorted(forms, key=len)[::-1])
        # Letters beyond ASCII begin and end with bytes above 127.
        return re.compile(rb"(?<![0-9A-Za-z_\x80-\xff])(?:" + spelled + rb")(?![0-9A-Za-z_\x80-\xff])")
