"""Makes the pools and connections in Airflow, and leaves alone what a person changed there."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet, InvalidToken

from echotune.connections import AirflowConnection, SettingError, connections_from_settings, personal_data_connection
from local.airflow_api import AirflowApi
from local.errors import StackError, say
from local.files import PROJECT, read_json, write_json
from local.settings import Secrets

POOLS = PROJECT / "include" / "airflow" / "pools.json"
FIELDS = ("conn_type", "host", "port", "login", "password", "schema", "extra")


@dataclass(frozen=True, repr=False)
class Register:
    """Writes to one Airflow, and remembers in a file what it wrote."""

    api: AirflowApi
    metadata_uri: str
    secrets: Secrets
    memory: Path

    def pools(self) -> None:
        """Create the declared pools; a size that a person changed since stays."""
        written = read_json(self.memory)
        for name, wanted in read_json(POOLS).items():
            body = {"name": name, "include_deferred": False, **wanted}
            mark = self._fingerprint(body)
            known = self.api.find(f"pools/{name}")
            if known is None:
                self.api.post("pools", body)
            elif self._fingerprint({part: known[part] for part in body}) not in (mark, written.get(f"pool {name}")):
                say(f"The pool {name} was changed in Airflow, so it stays as it is there.")
                continue
            elif written.get(f"pool {name}") != mark:
                self.api.patch(f"pools/{name}", {**wanted, "pool": name, "include_deferred": False})
            written[f"pool {name}"] = mark
        write_json(self.memory, written)

    def connections(self, settings: Mapping[str, str]) -> None:
        """Create or update the connections of the settings; one made or changed in Airflow itself stays."""
        wanted = connections_of(settings, self.secrets)
        written = read_json(self.memory)
        present = self._present()
        for connection in wanted:
            name = connection.connection_id
            mark = self._fingerprint(_comparable(connection))
            now = present.get(name)
            if now is None:
                self.api.post("connections", connection.as_body())
            elif now == mark:
                pass
            elif now != written.get(name):
                say(f"The connection {name} was made or changed in Airflow, so it stays as it is there.")
                continue
            else:
                self.api.patch(f"connections/{name}", connection.as_body())
            written[name] = mark
        write_json(self.memory, written)

    def _present(self) -> dict[str, str]:
        """Fingerprints of the connections that are there: Airflow's API hides passwords, its database does not."""
        query = (
            "select conn_id, conn_type, host, port, login, password, schema, extra,"
            " is_encrypted, is_extra_encrypted from connection where conn_id like 'echotune%'"
        )
        with psycopg.connect(self.metadata_uri, connect_timeout=5) as database:
            rows = database.execute(query).fetchall()
        found = {}
        for name, *fields, password_encrypted, extra_encrypted in rows:
            values = dict(zip(FIELDS, fields, strict=True))
            values["password"] = self._decrypted(values["password"], password_encrypted)
            extra = self._decrypted(values["extra"], extra_encrypted)
            values["extra"] = json.loads(extra) if extra else {}
            found[name] = self._fingerprint(values)
        return found

    def _decrypted(self, value: str | None, encrypted: bool) -> str | None:
        if not value or not encrypted:
            return value
        try:
            return Fernet(self.secrets.airflow_fernet_key).decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise StackError(
                "Airflow's connections were encrypted with another key: restore secrets.json of this stack, "
                "or start over with make clean."
            ) from error

    def _fingerprint(self, values: Mapping[str, object]) -> str:
        text = json.dumps({name: value if value != "" else None for name, value in values.items()}, sort_keys=True)
        return hmac.new(self.secrets.fingerprint_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def connections_of(settings: Mapping[str, str], secrets: Secrets) -> list[AirflowConnection]:
    """The connections of the settings and of the stack itself; a bad setting is the user's to mend."""
    try:
        return [*connections_from_settings(settings), personal_data_connection(secrets.personal_data_key)]
    except SettingError as error:
        raise StackError(str(error)) from error


def _comparable(connection: AirflowConnection) -> dict[str, object]:
    return {name: getattr(connection, name) for name in FIELDS}
