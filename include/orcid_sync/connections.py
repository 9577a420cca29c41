"""Connections in Airflow's own forms, for programs that run outside Airflow.

A connection NAME is the variable AIRFLOW_CONN_<NAME>, as a URI (`postgres://login:password@host:5432/database`)
or as JSON (`{"conn_type": "postgres", "host": ..., "extra": {...}}`), read by Airflow's own rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from orcid_sync.environment import variable
from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret

PREFIX = "AIRFLOW_CONN_"
EXTRA_KEY = "__extra__"
DEFAULT_CLIENT = "default"
# What libpq itself understands; other extras are for Airflow's hook and libpq would refuse them.
LIBPQ_EXTRAS = frozenset(
    {
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "options",
        "passfile",
        "service",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "tcp_user_timeout",
    }
)

Environment = Literal["production", "sandbox", "simulator"]


@dataclass(frozen=True)
class ConnectionInfo:
    """One connection. `schema` is a database's name; `origin` says where the connection was found."""

    name: str
    conn_type: str
    host: str = ""
    login: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    port: int | None = None
    schema: str = ""
    # Not shown either: an extra may hold a key.
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origin: str = "arguments"

    @property
    def variable(self) -> str:
        return variable_name(self.name)

    def dsn(self, driver: Literal["libpq", "psycopg", "psycopg2"] = "libpq") -> str:
        """The database's address **with its password**: hand it to the driver, never to a log.

        "libpq" gives `postgresql://...` for psycopg.connect, the others a URL for SQLAlchemy.
        """
        if self.conn_type != "postgres":
            raise self.problem(f"it is of type {self.conn_type!r}, not postgres", "Use a postgres connection")
        credentials = quote(self.login, safe="")
        if self.password:
            credentials += ":" + quote(self.password.reveal(), safe="")
        query = {key: str(value) for key, value in self.extra.items() if key in LIBPQ_EXTRAS}
        host = self.host
        if host.startswith("/"):
            query["host"] = host
            host = ""
        place = f"[{host}]" if ":" in host else host
        if self.port:
            if place:
                place += f":{self.port}"
            else:
                query["port"] = str(self.port)
        scheme = "postgresql" if driver == "libpq" else f"postgresql+{driver}"
        separator = "@" if credentials else ""
        address = f"{scheme}://{credentials}{separator}{place}/{quote(self.schema, safe='')}"
        return f"{address}?{urlencode(query, quote_via=quote)}" if query else address

    def problem(self, why: str, remedy: str) -> SettingInvalid:
        """An error that names this connection's variable."""
        return _problem(self.name, why, remedy)


def variable_name(name: str) -> str:
    """AIRFLOW_CONN_<NAME> of a connection."""
    return PREFIX + name.upper()


def orcid_connection_name(client: str = DEFAULT_CLIENT) -> str:
    """The connection of an API client of the units file: "default" is `orcid`, "med" is `orcid_med`."""
    return "orcid" if client == DEFAULT_CLIENT else f"orcid_{client}"


def connection(name: str, environ: Mapping[str, str] | None = None) -> ConnectionInfo:
    """The connection NAME from the environment or the secrets file. Raises SettingInvalid."""
    found = variable(variable_name(name), environ)
    if found is None:
        raise _problem(
            name,
            "it is neither in the environment nor in the secrets file",
            "Set it, in URI or JSON form, or name a secrets file in ORCID_SYNC_SECRETS_FILE",
        )
    return parse_connection(name, found.value, found.origin)


def parse_connection(name: str, text: Secret, origin: str = "arguments") -> ConnectionInfo:
    """Read a connection from its URI or JSON form. Raises SettingInvalid, without the text."""
    value = text.reveal().strip()
    return _from_json(name, value, origin) if value.startswith("{") else _from_uri(name, value, origin)


def connection_from_parts(
    name: str,
    *,
    conn_type: str,
    host: str | None = None,
    login: str | None = None,
    password: str | None = None,
    port: int | str | None = None,
    schema: str | None = None,
    extra: str | Mapping[str, Any] | None = None,
    origin: str = "Airflow",
) -> ConnectionInfo:
    """A connection from its fields, as an Airflow Connection object has them (its `extra` is JSON text)."""
    return ConnectionInfo(
        name=name,
        conn_type=_plain_type(conn_type),
        host=host or "",
        login=login or "",
        password=Secret(password or ""),
        port=_port(name, port),
        schema=schema or "",
        extra=_extra(name, extra),
        origin=origin,
    )


def _from_json(name: str, value: str, origin: str) -> ConnectionInfo:
    try:
        parts = json.loads(value)
    except json.JSONDecodeError as error:
        # The decoder's message quotes nothing, but its exception carries the whole document.
        why = f"its JSON is broken at character {error.pos + 1}"
    else:
        known = ("conn_type", "host", "login", "password", "port", "schema", "extra")
        unknown = sorted(set(parts) - {*known, "description", "conn_id"})
        if unknown:
            raise _problem(name, f"it has unknown keys: {', '.join(unknown)}", f"Use {', '.join(known)}")
        if parts.get("conn_type"):
            return connection_from_parts(
                name, origin=origin, **{key: parts[key] for key in known if key in parts}
            )
        why = "it has no conn_type"
    raise _problem(name, why, 'Write it like {"conn_type": "...", "host": "...", "login": "..."}')


def _from_uri(name: str, value: str, origin: str) -> ConnectionInfo:
    remedy = "Write it like postgres://login:password@host:5432/database, special characters percent-encoded"
    scheme, separator, rest = value.partition("://")
    if not separator or not scheme:
        raise _problem(name, "it is neither JSON nor a URI", remedy)
    protocol, nested, inner = rest.partition("://")
    # type://https://login:password@host is Airflow's way to give a host its protocol.
    if nested and any(sign in protocol for sign in "@:/?"):
        raise _problem(name, "it holds :// more than once", remedy)
    try:
        parts = urlsplit("//" + (inner if nested else rest))
        port = parts.port
    except ValueError:
        why: str | None = "host or port can't be read"
    else:
        why = None
    if why:
        raise _problem(name, why, remedy)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = unquote(_host(parts.netloc))
    return connection_from_parts(
        name,
        conn_type=scheme,
        host=f"{protocol}://{host}" if nested and host else host,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        port=port,
        schema=unquote(parts.path[1:]),
        extra=query[EXTRA_KEY] if EXTRA_KEY in query else {key: _value(text) for key, text in query.items()},
        origin=origin,
    )


def _host(netloc: str) -> str:
    """The host as written: percent-encoded, so that it may be a socket's folder or hold a protocol."""
    place = netloc.rpartition("@")[2]
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0]


def _value(text: str) -> Any:
    try:
        return json.loads(text) if text else text
    except json.JSONDecodeError:
        return text


def _plain_type(conn_type: str) -> str:
    return "postgres" if conn_type == "postgresql" else conn_type.replace("-", "_")


def _port(name: str, port: int | str | None) -> int | None:
    if port is None or port == "":
        return None
    try:
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise _problem(name, "its port is no number from 1 to 65535", "Correct the port")
    return number


def _extra(name: str, extra: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not extra:
        return {}
    if isinstance(extra, Mapping):
        return dict(extra)
    try:
        parsed = json.loads(extra)
    except json.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise _problem(name, "its extra is no JSON object", 'Write it like {"key": "value"}')
    return parsed


def _problem(name: str, why: str, remedy: str) -> SettingInvalid:
    shown = variable_name(name)
    return SettingInvalid(f"Connection {name} ({shown})", why=why, remedy=remedy, variable=shown)


def environment_name(orcid: ConnectionInfo) -> Environment:
    """Which registry an API client's connection talks to; every host that isn't ORCID's is a simulator."""
    host = _hostname(orcid.host)
    if host == "sandbox.orcid.org" or host.endswith((".sandbox.orcid.org", ".qa.orcid.org")):
        return "sandbox"
    if host == "orcid.org" or host.endswith(".orcid.org"):
        return "production"
    return "simulator"


def is_loopback(address: str) -> bool:
    """Whether a host or URL is this machine."""
    host = _hostname(address)
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _hostname(address: str) -> str:
    return urlsplit(address if "://" in address else f"//{address}").hostname or ""
