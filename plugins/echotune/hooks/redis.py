"""The connection to Redis: shared rate limits, cache and remembered capabilities."""

from __future__ import annotations

import logging
from typing import Any

import redis
from airflow.providers.redis.hooks.redis import RedisHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import RedisCluster
from redis.connection import URL_QUERY_ARGUMENT_PARSERS
from redis.retry import Retry

from echotune.enrichment.shared_state import REDIS_ERRORS, WITHOUT_REDIS, describe_error
from echotune.names import REDIS_CONNECTION

log = logging.getLogger(__name__)

DEFAULTS = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0}
RETRIES = 1
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 0.5

OPTIONS = frozenset(
    {
        "client_name",
        "health_check_interval",
        "protocol",
        "socket_connect_timeout",
        "socket_keepalive",
        "socket_read_size",
        "socket_timeout",
        "ssl_ca_data",
        "ssl_ca_path",
        "ssl_ciphers",
        "ssl_min_version",
        "ssl_password",
    }
)
"""What an extra may say beyond what Airflow's hook reads from it."""

READ_BY_AIRFLOW = frozenset(
    {
        "cluster",
        "db",
        "ssl",
        "ssl_ca_certs",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
        "startup_nodes",
    }
)


class SharedRedisHook(RedisHook):
    """Airflow's RedisHook, whose client gives up soon when Redis is away and obeys more of the connection's extra.

    :param redis_conn_id: the Airflow connection
    """

    default_conn_name = REDIS_CONNECTION

    def __init__(self, redis_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(redis_conn_id, **kwargs)
        # A cluster's client has the same methods.
        self._client: redis.Redis | None = None

    def get_client(self) -> redis.Redis:
        """Return a client that answers in bytes. Nothing is sent until it is used, except that a cluster is explored.

        :raises AirflowNotFoundException: where the connection is not there
        :raises redis.exceptions.RedisClusterException, redis.RedisError: where a cluster does not answer
        """
        if self._client is None:
            client = self.get_conn()  # type: ignore[no-untyped-call]
            _set_options(client, DEFAULTS | self._options_in_extra())
            self._client = client
        return self._client

    def find_client(self) -> redis.Redis | None:
        """Return a client; or None, and one warning, where there is no connection or a cluster does not answer."""
        try:
            return self.get_client()
        except AirflowNotFoundException:
            log.warning(
                "There is no connection %s, so there is no Redis. %s Set REDIS_URL, or make the connection.",
                self.redis_conn_id,
                WITHOUT_REDIS,
            )
        except REDIS_ERRORS as error:
            reason = describe_error(error, self.password)
            log.warning("The Redis cluster at %s does not answer (%s). %s", self.host, reason, WITHOUT_REDIS)
        return None

    def _options_in_extra(self) -> dict[str, Any]:
        """The client's options in the connection's extra; text, as a URI has it, becomes what it stands for."""
        extra: dict[str, Any] = self.get_connection(self.redis_conn_id).extra_dejson
        for name in sorted(extra.keys() - OPTIONS - READ_BY_AIRFLOW):
            log.warning("connection %s: its extra %r is not used", self.redis_conn_id, name)
        return {name: self._parse(name, value) for name, value in extra.items() if name in OPTIONS}

    def _parse(self, name: str, value: Any) -> Any:
        parse: Any = URL_QUERY_ARGUMENT_PARSERS.get(name)
        if parse is None or not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError:
            raise AirflowException(
                f"connection {self.redis_conn_id}: its extra {name!r} is {value!r}, which cannot be used"
            ) from None


def _set_options(client: Any, options: dict[str, Any]) -> None:
    """Set the options of all connections to come."""
    backoff = ExponentialWithJitterBackoff(base=FIRST_RETRY_SECONDS, cap=LONGEST_RETRY_SECONDS)
    client.set_retry(Retry(backoff, RETRIES))
    clients = [client]
    if isinstance(client, RedisCluster):
        clients += _clients_of_nodes(client)
    for each in clients:
        known = each.get_connection_kwargs()
        # After a server's maintenance the client goes back to the timeouts it remembers as the original ones.
        known.update(options | {f"orig_{name}": options[name] for name in DEFAULTS if f"orig_{name}" in known})


def _clients_of_nodes(cluster: Any) -> list[Any]:
    """The clients of a cluster's nodes, without the connections that were made to explore it."""
    clients = [node.redis_connection for node in cluster.get_nodes() if node.redis_connection is not None]
    for client in clients:
        client.connection_pool.disconnect()
    return clients
