"""Where a store is in PostgreSQL: a URI of libpq, and the schema that the store has to itself."""

import re
from dataclasses import dataclass, field
from typing import Any

from truestep.base.errors import Reject, Rejected

SCHEMES = ("postgresql://", "postgres://")
SCHEMA, DEFAULT_SCHEMA = "schema", "truestep"
"""Our own parameter of the URI. libpq has none for it."""
SECRETS = "password", "sslpassword", "oauth_client_secret"
FORM = "postgresql://USER@HOST/DATABASE?schema=NAME"
DEFAULTS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Unless the URI says otherwise. A daemon must learn within seconds, not hours, that its server is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPlace:
    """A database and a schema in it."""

    parameters: dict[str, Any] = field(repr=False)
    """For psycopg."""
    schema: str
    name: str
    """What is shown: the URI without its other parameters."""


def parse_place(uri: str) -> PostgresPlace:
    """The place that a URI names. Raises `Rejected` for another text, and if psycopg is not installed.

    No message repeats the URI, because it may have a password, although it should not.
    """
    if not uri.startswith(SCHEMES):
        raise Rejected(Reject.STORE_FILE, f"expected {FORM}, got no such URI")
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        message = "a store in PostgreSQL needs psycopg; install it: pip install 'truestep[postgres]'"
        raise Rejected(Reject.STORE_FILE, message) from error
    base, _, query = uri.partition("?")
    words = [word for word in query.split("&") if word]
    own = [word.partition("=")[2] for word in words if word.partition("=")[0] == SCHEMA]
    rest = "&".join(word for word in words if word.partition("=")[0] != SCHEMA)
    schema = own[-1] if own else DEFAULT_SCHEMA
    if not re.fullmatch(r"(?!pg_)[a-z_][a-z0-9_]{0,47}", schema):
        raise Rejected(
            Reject.STORE_FILE,
            "expected the name of a schema: up to 48 lower-case letters, digits and underscores, not"
            f" beginning with a digit or pg_, got {schema!r}",
        )
    try:
        given = conninfo_to_dict(f"{base}?{rest}" if rest else base)
    except ProgrammingError as error:  # its message repeats what it does not understand
        message = (
            f"expected {FORM}, got a URI that libpq refuses; encode special characters, such as %40 for @"
        )
        raise Rejected(Reject.STORE_FILE, message) from error.with_traceback(None)
    if any(given.get(name) for name in SECRETS) or "://" in str(given.get("dbname", "")):
        raise Rejected(
            Reject.STORE_FILE,
            "expected a URI without a password, which other users would see; name a password file (chmod 600,"
            " a line HOST:PORT:DATABASE:USER:PASSWORD) with passfile=FILE in the URI, or set PGPASSWORD",
        )
    return PostgresPlace(parameters={**DEFAULTS, **given}, schema=schema, name=_shown(given, schema))


def _shown(given: dict[str, Any], schema: str) -> str:
    user = f"{given['user']}@" if given.get("user") else ""
    host = given.get("host") or given.get("hostaddr") or ""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{user}{host}{port}/{given.get('dbname') or ''}?{SCHEMA}={schema}"
