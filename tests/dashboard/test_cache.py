"""Answers are found once for all who ask, and an old one is given while the next is found."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from echotune.dashboard.answers import Answer, State
from echotune.dashboard.cache import MOST_ANSWERS, AnswerCache


class Source:
    """Answers with how often it was asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.asked, self.seconds = 0, seconds
        self.error: Exception | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Answer:
        with self._lock:
            self.asked += 1
            number = self.asked
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        return Answer(state=State.OK, data=number)


def test_many_who_ask_at_once_are_one_question() -> None:
    cache, source = AnswerCache(), Source(seconds=0.2)
    with ThreadPoolExecutor(8) as threads:
        answers = [one.result().data for one in [threads.submit(cache.get, "key", source) for _ in range(8)]]
    assert (answers, source.asked) == ([1] * 8, 1)


def test_an_answer_that_was_begun_is_not_asked_for_again() -> None:
    cache, source = AnswerCache(), Source(seconds=0.2)
    begun = time.monotonic()
    cache.begin("key", source)
    assert time.monotonic() - begun < 0.15
    assert (cache.get("key", source).data, source.asked) == (1, 1)


def test_an_answer_is_kept_for_its_seconds() -> None:
    cache, source = AnswerCache(keep_seconds=60), Source()
    assert [cache.get("key", source).data for _ in range(3)] == [1, 1, 1]


def test_an_old_answer_is_given_at_once_while_the_next_is_found() -> None:
    cache, source = AnswerCache(keep_seconds=0), Source()
    cache.get("key", source)
    source.seconds = 0.5
    waits = []
    # It is fresh for a while, and for longer where finding it took longer.
    while source.asked < 2:
        begun = time.monotonic()
        assert cache.get("key", source).data == 1
        waits.append(time.monotonic() - begun)
    assert max(waits) < 0.4
    while (last := cache.get("key", source).data) == 1:
        time.sleep(0.05)
    assert last == 2


def test_an_answer_that_took_long_is_kept_longer() -> None:
    cache, source = AnswerCache(keep_seconds=0), Source(seconds=0.2)
    cache.get("key", source)
    time.sleep(0.3)
    cache.get("key", source)
    assert source.asked == 1


def test_an_unexpected_error_is_raised_and_the_next_who_asks_tries_again() -> None:
    cache, source = AnswerCache(), Source()
    source.error = RuntimeError("broken")
    with pytest.raises(RuntimeError, match="broken"):
        cache.get("key", source)
    source.error = None
    assert cache.get("key", source).data == 2


def test_keys_do_not_pile_up() -> None:
    cache, source = AnswerCache(keep_seconds=60), Source()
    for number in range(MOST_ANSWERS + 1):
        cache.get(number, source)
    cache.get(0, source)
    assert source.asked == MOST_ANSWERS + 2
