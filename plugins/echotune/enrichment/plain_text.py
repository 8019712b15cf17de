"""Text of an outside service, made fit for a log, a document and a person."""

from __future__ import annotations

import re
import reprlib

UNFIT = re.compile(r"[\x00\ud800-\udfff]")
"""What no database keeps in a text: NUL, and halves of characters, which JSON can write."""
REPLACEMENT = "\ufffd"

LONGEST = 200
"""Characters of outside text that are repeated at the most."""

# Access tokens, client secrets and basic authorization are one run of at least so many of these characters.
SECRET = re.compile(r"[A-Za-z0-9+/=_-]{30,}")


def storable(text: str) -> str:
    """The text with a replacement for what no database keeps."""
    return UNFIT.sub(REPLACEMENT, text)


def excerpt(value: object, longest: int = LONGEST) -> str:
    """A value as short text in one line, without control characters and without what could be a secret."""
    text = value if isinstance(value, str) else reprlib.repr(value)
    printable = "".join(letter if letter.isprintable() else " " for letter in text[: 10 * longest])
    # A secret that the cut would shorten below the pattern's length is still replaced whole.
    clean = " ".join(SECRET.sub("…", printable).split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
