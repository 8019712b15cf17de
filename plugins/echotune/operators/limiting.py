"""The limits of outside services, as running tasks share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from echotune.enrichment.shared_state import SharedLimiter, SharedState
    from echotune.history.store import HistoryStore


def share_state(redis_conn_id: str) -> SharedState:
    """Redis, as far as it answers."""
    from echotune.enrichment.shared_state import SharedState
    from echotune.hooks.redis import SharedRedisHook

    return SharedState(SharedRedisHook(redis_conn_id).find_client())


def share_limiter(state: SharedState, store: HistoryStore, *, is_caller: bool) -> SharedLimiter:
    """The limiter of all tasks; where Redis is away, one that begins with what runs recorded.

    :param is_caller: whether this task goes on calling where Redis is away
    """
    from echotune.enrichment.local_limiter import LocalLimiter
    from echotune.enrichment.runs import calls_in_past_day, stops_in_force
    from echotune.enrichment.shared_state import SharedLimiter

    return SharedLimiter(
        state,
        is_caller=is_caller,
        start_local=lambda: LocalLimiter(calls_in_24h=calls_in_past_day(store), stopped_until=stops_in_force(store)),
    )
