"""A whole stack for measurements alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local.__main__ import down, up
from local.stack import Stack, open_stack

STACK = "bench"


@contextmanager
def own_stack() -> Iterator[Stack]:
    """Start the stack of the benchmarks, and stop it at the end; its data stays."""
    up(STACK, [])
    try:
        stack = open_stack(STACK)
        if stack is None:
            raise RuntimeError(f"the stack {STACK} was started and is not there")
        yield stack
    finally:
        down(STACK)
