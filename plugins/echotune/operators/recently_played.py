"""The steps of bringing what listeners' own accounts tell: recent plays and playlists.

What only a running task needs is imported when it runs: a DAG file that imports this module is parsed in no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from echotune.names import MONGO_CONNECTION, REDIS_CONNECTION, SPOTIFY_CONNECTION, SUPABASE_CONNECTION
from echotune.operators.arguments import Upstream, Values
from echotune.operators.failing import fail_at_once_on, failed_tasks
from echotune.operators.mapped import pull_mapped
from echotune.operators.supabase_schema import MigrateSupabaseOperator
from echotune.operators.telling import tell

if TYPE_CHECKING:
    from airflow.sdk import Context

    from echotune.history.store import HistoryStore
    from echotune.spotify_account.client import Account
    from echotune.spotify_account.settings import AccountSettings


class RunSettingsOperator(BaseOperator):
    """What all steps share: the settings of the run.

    :param settings: see AccountSettings
    """

    template_fields: Sequence[str] = ("settings",)

    def __init__(self, *, settings: Values, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings

    def read_settings(self) -> AccountSettings:
        """Return the settings; where one is wrong the task fails at once."""
        from echotune.spotify_account.errors import AccountError
        from echotune.spotify_account.settings import AccountSettings

        with fail_at_once_on(AccountError):
            return AccountSettings.of(self.settings)


class FindListenersOperator(RunSettingsOperator):
    """Finds the listeners who gave their authorization and are asked for. Returns their user ids."""

    def execute(self, context: Context) -> list[str]:
        from echotune.hooks.listener import listeners
        from echotune.spotify_account.errors import AccountError

        settings = self.read_settings()
        with fail_at_once_on(AccountError):
            found = settings.chosen(listeners())
        self.log.info("%s listeners: %s", len(found), ", ".join(found) or "nobody ran `make authorize` yet")
        return found


class ListenerOperator(RunSettingsOperator):
    """A step for one listener. Without an authorization that is good it fails at once and names the listener.

    Where nobody may call Spotify for now, it ends and leaves the rest to the next run, which asks for the same.

    :param username: the listener
    :param mongo_conn_id: the Airflow connection to MongoDB
    :param redis_conn_id: the Airflow connection to Redis
    :param spotify_conn_id: the Airflow connection to Spotify
    """

    template_fields: Sequence[str] = (
        *RunSettingsOperator.template_fields,
        "username",
        "mongo_conn_id",
        "redis_conn_id",
        "spotify_conn_id",
    )

    def __init__(
        self,
        *,
        username: str,
        mongo_conn_id: str = MONGO_CONNECTION,
        redis_conn_id: str = REDIS_CONNECTION,
        spotify_conn_id: str = SPOTIFY_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.username = username
        self.mongo_conn_id = mongo_conn_id
        self.redis_conn_id = redis_conn_id
        self.spotify_conn_id = spotify_conn_id

    def with_account(
        self, context: Context, settings: AccountSettings, use: Callable[[HistoryStore, Account], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what is made of the listener's account, or that it has to wait."""
        from echotune.hooks.mongo import HistoryMongoHook
        from echotune.spotify_account.errors import Postponed

        try:
            with told_to_the_summary(context, self.username), HistoryMongoHook(self.mongo_conn_id) as hook:
                store = hook.get_store()
                return use(store, self._open_account(store, settings))
        except Postponed as waiting:
            self.log.warning("%s. The next run asks for the same", waiting)
            return {"username": self.username, "postponed": str(waiting)}

    def _open_account(self, store: HistoryStore, settings: AccountSettings) -> Account:
        from echotune.enrichment.gate import Gate
        from echotune.hooks.listener import ListenerHook
        from echotune.hooks.spotify import SpotifyHook
        from echotune.operators.limiting import share_limiter, share_state
        from echotune.spotify_account.client import Account

        spotify, listener = SpotifyHook(self.spotify_conn_id), ListenerHook(self.username)
        with fail_at_once_on(AirflowException):
            authorization = spotify.get_authorization()
        # Without Redis each task goes on by itself: it makes few calls, and plays that nobody fetches are lost.
        limiter = share_limiter(share_state(self.redis_conn_id), store, is_caller=True)
        return Account(
            self.username,
            authorization,
            listener.refresh_token(),
            keep=listener.keep,
            gate=Gate(limiter=limiter, service=spotify.limited_as, limits=settings.limits),
            api_url=spotify.api_url,
        )


@contextmanager
def told_to_the_summary(context: Context, username: str) -> Iterator[None]:
    """Fail the task at once where a person has to mend something, and leave the reason to the summary."""
    from echotune.spotify_account.errors import AccountError

    try:
        yield
    except AccountError as error:
        context["ti"].xcom_push(key="return_value", value={"username": username, "problem": str(error)})
        raise AirflowFailException(str(error)) from error


class LoadRecentPlaysOperator(ListenerOperator):
    """Loads a listener's plays since the last run into MongoDB. Safe to run again at any point.

    Returns what became of them, and the gap where Spotify no longer had all.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.spotify_account.recently_played import load_recent_plays

        result = self.with_account(
            context, self.read_settings(), lambda store, account: load_recent_plays(store, account).as_result()
        )
        self.log.info("%s", result)
        return result


class PreparePlaylistsOperator(MigrateSupabaseOperator):
    """Brings PostgreSQL's schema up to date, where the run brings playlists.

    :param wanted: whether it does
    """

    template_fields: Sequence[str] = (*MigrateSupabaseOperator.template_fields, "wanted")

    def __init__(self, *, wanted: bool | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wanted = wanted

    def execute(self, context: Context) -> dict[str, Any]:
        if str(self.wanted).lower() != "true":
            raise AirflowSkipException("this run brings no playlists")
        return super().execute(context)


class BringPlaylistsOperator(ListenerOperator):
    """Brings a listener's playlists to PostgreSQL. Safe to run again at any point. Returns what became of them.

    :param load_task_id: the LoadRecentPlaysOperators: a listener whose account has a problem there is left out
    :param supabase_conn_id: the Airflow connection to PostgreSQL
    """

    template_fields: Sequence[str] = (*ListenerOperator.template_fields, "supabase_conn_id")

    def __init__(self, *, load_task_id: str, supabase_conn_id: str = SUPABASE_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.load_task_id = load_task_id
        self.supabase_conn_id = supabase_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.hooks.supabase import SupabaseHook
        from echotune.spotify_account.playlists import sync_playlists
        from echotune.spotify_account.progress import playlists_due, remember_playlists

        task = context["ti"]
        if "problem" in (task.xcom_pull(task_ids=self.load_task_id, map_indexes=task.map_index) or {}):
            raise AirflowSkipException(f"{self.username}: the account has a problem, as load_plays says")

        settings = self.read_settings()

        def bring(store: HistoryStore, account: Account) -> dict[str, Any]:
            if not playlists_due(store, self.username, settings.playlists_after_hours):
                raise AirflowSkipException(f"brought less than {settings.playlists_after_hours} hours ago")
            with SupabaseHook(self.supabase_conn_id).get_conn() as connection:
                counts = sync_playlists(connection, account)
            remember_playlists(store, self.username)
            return counts.as_result(self.username)

        result = self.with_account(context, settings, bring)
        self.log.info("%s", result)
        return result


class SummariseRecentPlaysOperator(BaseOperator):
    """Tells a person what came from whom, what is missing and why. Fails where a person has to mend something.

    :param listeners: what FindListenersOperator returned
    :param load_task_id: the LoadRecentPlaysOperators
    :param playlists_task_id: the BringPlaylistsOperators
    :param catalog: what RefreshCatalogOperator returned
    """

    template_fields: Sequence[str] = ("listeners", "catalog")

    def __init__(
        self, *, listeners: Upstream, load_task_id: str, playlists_task_id: str, catalog: Upstream, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.listeners = listeners
        self.load_task_id = load_task_id
        self.playlists_task_id = playlists_task_id
        self.catalog = catalog

    def execute(self, context: Context) -> dict[str, Any]:
        from echotune.spotify_account.report import Outcome, summarise

        outcome = Outcome(
            listeners=list(self.listeners or ()),
            loaded=pull_mapped(context, self.load_task_id),
            playlists=pull_mapped(context, self.playlists_task_id),
            catalog=dict(self.catalog or {}),
            failed=failed_tasks(context),
        )
        return tell(self, summarise(outcome), context)
