"""The one error a person meets: a sentence that says what to do, without a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class StackError(Exception):
    """Something the user can mend; the message is one sentence that says how."""


def say(sentence: str) -> None:
    """Print a line at once, also when the output goes to a pipe."""
    print(sentence, flush=True)


def exit_with_sentence(command: Callable[[], None]) -> None:
    """Run a command; turn a StackError into one sentence and exit status 1, Ctrl-C into 130."""
    try:
        command()
    except StackError as error:
        print(f"echotune: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (make status | head): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        print("echotune: interrupted; the stack may still be running: make down stops it.", file=sys.stderr, flush=True)
        sys.exit(130)
