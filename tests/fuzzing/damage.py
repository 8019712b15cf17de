"""Bytes that were damaged: what is put in, taken out, doubled or cut off, where it hurts."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

HARMFUL = (
    *(
        b'"',
        b'""',
        b'"""',
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xff",
        b"\xed\xa0\x80",
    ),
    *(
        b"\xc3",
        b"\xf0\x9f",
        b"\xef\xb7\x90",
        b"\x80",
        b"\\",
        b"'",
        b";",
        b"\t",
        b" ",
        b"\x1a",
        b"\x85",
        b"\xe2\x80\xa8",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"]\n[",
        b"},{",
        b"\\u0000",
        b"\\ud800",
        b"\\",
        b"/*",
        b"NaN",
        b"-Infinity",
        b"1e999",
    ),
    *(b"a" * 200, b'"' * 64, b"," * 60, b"[" * 300, b"[" * 2000, b'{"a":' * 1500, b"{" * 300, b"9" * 5000),
)
PLACES = st.integers(0, 2**16)
EDITS = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "double", "cut", "write over"]), PLACES, PLACES, st.integers(0, 3))
    | st.tuples(st.just("insert"), PLACES, st.sampled_from(HARMFUL) | st.binary(max_size=6), st.just(0)),
    min_size=1,
    max_size=5,
)


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """The content after some edits."""
    return EDITS.map(lambda edits: _edited(content, edits))


def _edited(content: bytes, edits: Sequence[tuple[str, int, int | bytes, int]]) -> bytes:
    for what, at, by, size in edits:
        place = at % (len(content) + 1)
        if isinstance(by, bytes):
            content = content[:place] + by + content[place:]
            continue
        end = place + min(by, 4**size)
        part = content[place:end]
        match what:
            case "insert":
                content = content[:place] + HARMFUL[by % len(HARMFUL)] + content[place:]
            case "delete":
                content = content[:place] + content[end:]
            case "double":
                content = content[:end] + part + content[end:]
            case "write over":
                content = content[:place] + HARMFUL[by % len(HARMFUL)] + content[end:]
            case "cut" if size == 0:
                content = content[:place]
    return content
