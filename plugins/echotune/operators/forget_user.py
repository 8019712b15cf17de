"""The steps of forgetting a user.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSkipException

from echotune.names import (
    LISTENERS_VARIABLE,
    MONGO_CONNECTION,
    REDIS_CONNECTION,
    SUPABASE_CONNECTION,
    listener_connection,
)
from echotune.operators.arguments import Upstream, Values
from echotune.operators.failing import fail_at_once_on, failed_tasks
from echotune.operators.telling import tell

if TYPE_CHECKING:
    import psycopg
    import redis
    from airflow.sdk import Context

    from echotune.forgetting.forgetting import Forgetting
    from echotune.forgetting.settings import ForgetSettings


LISTENERS, TOKENS = "Airflow variable of listeners", "Airflow variables of tokens"


class ForgetOperator(BaseOperator):
    """What the steps share: who it is, and the way to all systems. A confirmation that is not the name fails at once.

    :param settings: see ForgetSettings
    :param mongo_conn_id: the Airflow connection to MongoDB
    :param supabase_conn_id: the Airflow connection to PostgreSQL, where there is one
    :param redis_conn_id: the Airflow connection to Redis, where there is one
    """

    template_fields: Sequence[str] = ("settings", "mongo_conn_id", "supabase_conn_id", "redis_conn_id")

    def __init__(
        self,
        *,
        settings: Values,
        mongo_conn_id: str = MONGO_CONNECTION,
        supabase_conn_id: str = SUPABASE_CONNECTION,
        redis_conn_id: str = REDIS_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.mongo_conn_id = mongo_conn_id
        self.supabase_conn_id = supabase_conn_id
        self.redis_conn_id = redis_conn_id

    def confirmed(self) -> ForgetSettings:
        """Return the settings, or fail at once where they are not confirmed."""
        from echotune.forgetting.errors import ForgettingError
        from echotune.forgetting.settings import ForgetSettings

        with fail_at_once_on(ForgettingError):
            return ForgetSettings.of(self.settings)

    def to_remove(self) -> ForgetSettings:
        """The same; skip the task in a dry run."""
        settings = self.confirmed()
        if settings.dry_run:
            raise AirflowSkipException("dry run: nothing is removed")
        return settings

    @contextmanager
    def opened(self, settings: ForgetSettings) -> Iterator[Forgetting]:
        """Open all systems. One that is configured and does not answer fails the task: it may hold something."""
        from echotune.forgetting.forgetting import Forgetting, Systems
        from echotune.forgetting.person import Person
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.operators.history_path import archive_path

        with ExitStack() as stack:
            with fail_at_once_on(AirflowNotFoundException):
                mongo = stack.enter_context(HistoryMongoHook(self.mongo_conn_id))
            systems = Systems(
                store=mongo.get_store(),
                connection=self._postgres(stack),
                client=self._redis(),
                open_path=archive_path,
            )
            yield Forgetting(systems=systems, person=Person(settings.username))

    def _postgres(self, stack: ExitStack) -> psycopg.Connection[Any] | None:
        from echotune.hooks.supabase import SupabaseHook

        try:
            return stack.enter_context(SupabaseHook(self.supabase_conn_id).get_conn())
        except AirflowNotFoundException:
            self.log.warning("There is no connection %s, so there is no PostgreSQL to search", self.supabase_conn_id)
            return None

    def _redis(self) -> redis.Redis | None:
        from echotune.hooks.redis import SharedRedisHook

        try:
            return SharedRedisHook(self.redis_conn_id).get_client()
        except AirflowNotFoundException:
            self.log.warning("There is no connection %s, so there is no Redis to search", self.redis_conn_id)
            return None


class LookForUserOperator(ForgetOperator):
    """Counts the user in every place and writes nothing.

    Returns the counts, the number of files that have rows of the user, and what only a person can remove.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.forgetting.report import LISTENER, SIGN_IN

        settings = self.confirmed()
        with self.opened(settings) as forgetting:
            looked = forgetting.look()
        left = [SIGN_IN] if looked.accounts.sign_ins else []
        if looked.accounts.namesakes:
            left.append(f"{looked.accounts.namesakes:,} rows of public.users bear the name and are of no Spotify user.")
        if has_listener_connection(settings.username):
            left.append(LISTENER)
        counts = {**looked.counts, **count_variables(settings.username)}
        for place, number in counts.items():
            self.log.info("%s: %s", place, f"{number:,}")
        return {"counts": counts, "files": len(looked.files), "left": left}


class RemoveUserOperator(ForgetOperator):
    """Removes the user from every place once. Safe to run again at any point; skipped in a dry run."""

    def execute(self, context: Context) -> None:
        with self.opened(self.to_remove()) as forgetting:
            forgetting.remove()


class RemoveVariablesOperator(ForgetOperator):
    """Removes the user from Airflow's variables. Returns what is left: a variable of the environment stays."""

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.forgetting.airflow_names import (
            names_listener,
            refresh_token_variables,
            without_listener,
        )

        username = self.to_remove().username
        listeners = Variable.get(LISTENERS_VARIABLE, default=None)
        if names_listener(listeners, username):
            others = without_listener(listeners, username)
            if others is None:
                Variable.delete(LISTENERS_VARIABLE)
            else:
                Variable.set(LISTENERS_VARIABLE, others)
        for name in refresh_token_variables(username):
            if Variable.get(name, default=None) is not None:
                Variable.delete(name)
        counts = count_variables(username)
        left = [
            f"{place}: of the environment or a secrets backend, remove it there" for place in counts if counts[place]
        ]
        return {"counts": counts, "left": left}


class SearchForUserOperator(ForgetOperator):
    """Searches every place again, and removes again what a writer in flight brought back. Returns the counts.

    Fails where something is left after some rounds, naming place and number.
    """

    def execute(self, context: Context) -> dict[str, int]:
        with self.opened(self.to_remove()) as forgetting:
            return dict(forgetting.search_until_gone())


class SummariseForgettingOperator(ForgetOperator):
    """Tells a person what was in each place, what is now, and what is left to them. Fails where anything failed.

    :param looked: what LookForUserOperator returned
    :param searched: what SearchForUserOperator returned
    :param variables: what RemoveVariablesOperator returned
    """

    def __init__(self, *, look_task_id: str, search_task_id: str, variables_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.look_task_id = look_task_id
        self.search_task_id = search_task_id
        self.variables_task_id = variables_task_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.forgetting.report import summarise

        failed = failed_tasks(context)
        settings = self.confirmed()
        # A reference to what a failed task did not push would fail before anything could be told.
        looked, searched, variables = (
            context["ti"].xcom_pull(task_ids=name)
            for name in (self.look_task_id, self.search_task_id, self.variables_task_id)
        )
        if looked is None:
            raise AirflowFailException(f"nothing was touched: {', '.join(failed)} failed, see the end of its log")
        after = None if searched is None or variables is None else {**searched, **variables["counts"]}
        summary = summarise(
            looked["counts"],
            after,
            files=looked["files"],
            left=[*looked["left"], *(variables or {"left": []})["left"]],
            problems=[f"{name} failed, see the end of its log, and start the run again" for name in failed],
            dry_run=settings.dry_run,
        )
        return tell(self, summary, context)


class AnnounceForgettingOperator(BaseOperator):
    """Succeeds, and so updates its outlets: what counts plays is to be counted anew. Skipped where nothing was removed.

    :param summary: what SummariseForgettingOperator returned
    """

    template_fields: Sequence[str] = ("summary",)

    def __init__(self, *, summary: Upstream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.summary = summary

    def execute(self, context: Context) -> None:
        counts = self.summary["counts"]["before"]
        if self.summary["dry_run"] or not any(counts.values()):
            raise AirflowSkipException("nothing was removed: nothing to tell the DAGs that read the plays")


def has_listener_connection(username: str) -> bool:
    """Whether Airflow has a connection of the user's own."""
    try:
        BaseHook.get_connection(listener_connection(username))
    except AirflowNotFoundException:
        return False
    return True


def count_variables(username: str) -> dict[str, int]:
    """How many of Airflow's variables name the user or are the user's."""
    from echotune.forgetting.airflow_names import names_listener, refresh_token_variables

    tokens = [name for name in refresh_token_variables(username) if Variable.get(name, default=None) is not None]
    return {
        LISTENERS: int(names_listener(Variable.get(LISTENERS_VARIABLE, default=None), username)),
        TOKENS: len(tokens),
    }
