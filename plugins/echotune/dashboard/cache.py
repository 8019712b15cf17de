"""Answers kept for seconds, so that many browsers ask the databases no more than one does."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from echotune.dashboard.answers import Answer

log = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
REST_FACTOR = 10
"""An answer that took a second to find is kept for ten: the databases rest for most of the time."""
MOST_ANSWERS = 256
THREADS = 8


@dataclass
class Kept:
    """An answer, until when it is fresh by the monotonic clock, and the one that is being found."""

    answer: Answer | None = None
    fresh_until: float = 0.0
    pending: Future[Answer] | None = None


class AnswerCache:
    """Finds each answer once for all who ask at the same time.

    One that is no longer fresh is still given, with the time it is of, while the next one is found: only the very first
    asker waits for a database.
    """

    def __init__(self, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._keep_seconds = keep_seconds
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="echotune-dashboard")

    def get(self, key: Hashable, find: Callable[[], Answer]) -> Answer:
        """Return the answer of a key, found by ``find`` where it is not known or no longer fresh."""
        found = self.begin(key, find)
        return found if isinstance(found, Answer) else found.result()

    def begin(self, key: Hashable, find: Callable[[], Answer]) -> Answer | Future[Answer]:
        """Have an answer found that will be asked for soon; return what is known of it, or what it will come by."""
        with self._lock:
            kept = self._kept.setdefault(key, Kept())
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_ANSWERS:
                self._kept.popitem(last=False)
            if kept.answer and time.monotonic() < kept.fresh_until:
                return kept.answer
            if kept.pending is None:
                kept.pending = self._threads.submit(self._find, kept, find)
            return kept.answer or kept.pending

    def _find(self, kept: Kept, find: Callable[[], Answer]) -> Answer:
        begun = time.monotonic()
        try:
            answer = find()
        except Exception:
            log.exception("The page could not find an answer")
            with self._lock:
                kept.pending = None
            raise
        ended = time.monotonic()
        with self._lock:
            kept.answer, kept.pending = answer, None
            kept.fresh_until = ended + max(self._keep_seconds, REST_FACTOR * (ended - begun))
        return answer
