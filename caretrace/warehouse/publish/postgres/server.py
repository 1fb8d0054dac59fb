"""The connection to PostgreSQL: how it is made, what it must be, and what a user is told where something fails.

In: a `Target`. Out: an open connection that acts as the loader role and finds nothing by search path. Passwords come
from the environment, ~/.pgpass or a service file only; a message of the server is never shown once data are under way,
since it may hold values.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caretrace.warehouse.publish.postgres.settings import Settings
from schemas.errors import Busy, CaretraceError, InputError, SettingsError

if TYPE_CHECKING:
    import psycopg

OLDEST = 14
"""The oldest PostgreSQL that loads are tested for; its makers support none before it."""
_CONNECT_SECONDS = "10"
_EXTRA = 'loading into PostgreSQL needs its driver; install it with: pip install "caretrace[postgres]"'


@dataclass(frozen=True)
class Target:
    """A database, as libpq's connection string or URI; it holds no password."""

    conninfo: str
    password_variable: str | None = None
    """The variable of the environment that holds the password, where it is not libpq's own PGPASSWORD."""

    def __post_init__(self) -> None:
        _check(self.conninfo)


def _check(conninfo: str) -> None:
    """Raise SettingsError where `conninfo` cannot be read or holds a password; the text itself is not repeated."""
    try:
        import psycopg
    except ImportError:
        raise SettingsError(_EXTRA) from None
    try:
        given = psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        raise SettingsError(
            "the PostgreSQL target is not a connection string such as postgresql://user@host/database or service=NAME"
        ) from None
    if {"password", "sslpassword"} & given.keys():
        raise SettingsError(
            "the PostgreSQL target holds a password, which others could read there; put it into PGPASSWORD, ~/.pgpass"
            " or a service file"
        )


@contextmanager
def connected(target: Target, settings: Settings, environ: Mapping[str, str] = os.environ) -> Iterator[Server]:
    """Open the database and become the loader role, or say in one sentence why that cannot be."""
    import psycopg

    extra: dict[str, str] = {"application_name": "caretrace"}
    if "connect_timeout" not in psycopg.conninfo.conninfo_to_dict(target.conninfo):
        extra["connect_timeout"] = environ.get("PGCONNECT_TIMEOUT") or _CONNECT_SECONDS
    if target.password_variable:
        password = environ.get(target.password_variable)
        if not password:
            raise SettingsError(
                f"the variable {target.password_variable} is to hold PostgreSQL's password and is not set"
            )
        extra["password"] = password
    try:
        connection = psycopg.connect(target.conninfo, autocommit=True, **extra)  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        raise _not_connected(error) from None
    with connection:
        server = Server(connection)
        with server.doing("preparing the session"):
            _prepare(server, settings)
        yield server


class BadCharacter(InputError):
    """A text holds what PostgreSQL cannot store."""


class Server:
    """An open connection; `doing` says what a failure happened in."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement of our own making, and give its rows."""
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str) -> Any:
        """The single value that a statement gives."""
        return self.run(statement)[0][0]

    def count(self, statement: str) -> int:
        """Run one statement that changes rows, and give how many."""
        return self.connection.execute(statement.encode()).rowcount

    def ids(self, relation: str) -> bytes:
        """The row ids of a table, one after the other, gathered by the server: libpq would give them row by row."""
        statement = f"SELECT string_agg(uuid_send(row_id), '') FROM {relation} GROUP BY get_byte(uuid_send(row_id), 0)"
        with self.connection.cursor(binary=True) as cursor:
            return b"".join(row[0] for row in cursor.execute(statement.encode()))

    def lay(self, relation: str, columns: str, lines: Iterator[memoryview]) -> int:
        """Copy CSV lines into a table; gives the rows that arrived, and raises BadCharacter for a NUL."""
        import psycopg

        with self.connection.cursor() as cursor:
            try:
                with cursor.copy(f"COPY {relation} ({columns}) FROM STDIN (FORMAT csv)".encode()) as copy:
                    for block in lines:
                        copy.write(block)
            except psycopg.errors.CharacterNotInRepertoire:
                raise BadCharacter("a NUL character cannot be stored") from None
            return cursor.rowcount

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Turn whatever the driver raises in the block into one sentence without a value."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise failure(error.sqlstate, what) from None


def failure(sqlstate: str | None, what: str) -> CaretraceError:
    """What went wrong while `what`, by the code that PostgreSQL gives for it (its manual, appendix A)."""
    code = sqlstate or ""
    for begins, words in _FAILURES.items():
        if code.startswith(begins):
            return (Busy if begins == "55P03" else SettingsError)(f"PostgreSQL: {what}: {words}")
    if not code:
        return SettingsError(f"PostgreSQL: {what}: the connection was lost; nothing is half-loaded, so load again")
    return SettingsError(
        f"PostgreSQL: {what}: the server refused a statement (code {code}); nothing was changed, its log says more"
    )


_FAILURES = {
    "57014": "a statement took longer than statement_seconds and was given up; nothing was changed",
    "55P03": "a session of somebody else holds a lock for longer than lock_seconds; end it (pg_stat_activity shows it)"
    " or load later",
    "40P01": "another session stood in the way (deadlock); nothing was changed, load again",
    "42501": "a right is missing; let an administrator run the SQL that `caretrace warehouse setup` prints",
    "25006": "the server is read-only; load into the primary, not into a replica",
    "2BP01": "somebody's view or table stands on what must be changed; drop it, load, and make it again",
    "42P07": "something of that name stands there already and is not of caretrace; rename it or take another schema",
    "22": "a value does not fit its column; nothing was changed",
    "23505": "two rows have one key; the run is not whole, make it again",
    "53100": "the server's disk is full; nothing was changed",
    "53300": "the server has no connection left; load later",
    "57P": "the server is being stopped or starting; nothing is half-loaded, so load again",
    "08": "the connection was lost; nothing is half-loaded, so load again",
}


def _not_connected(error: psycopg.OperationalError) -> SettingsError:
    """Why there is no connection. libpq gives no code for it, so its English words are looked at."""
    said = str(error)
    pgconn = error.pgconn
    if pgconn is not None and pgconn.needs_password:
        why = "the server asks for a password; put it into PGPASSWORD, ~/.pgpass or a service file"
    elif "password authentication failed" in said:
        why = "the password is wrong, or there is no such user"
    elif "does not exist" in said:
        why = "there is no such database or user"
    elif "definition of service" in said or "service file" in said:
        why = "the service is not in ~/.pg_service.conf nor in the file that PGSERVICEFILE names"
    elif "certificate" in said or "SSL" in said:
        why = "the encrypted connection failed; look at sslmode, sslrootcert and the server's certificate"
    elif "no pg_hba.conf entry" in said:
        why = "the server lets this user in from elsewhere only (pg_hba.conf)"
    else:
        why = "no server answers there; is it running, and are host and port right?"
    return SettingsError(f"PostgreSQL: {why}")


def _prepare(server: Server, settings: Settings) -> None:
    info = server.connection.info
    if info.server_version < OLDEST * 10_000:
        raise SettingsError(
            f"PostgreSQL: the server is version {info.server_version // 10_000}; {OLDEST} or later is needed"
        )
    encrypted, mode = server.connection.pgconn.ssl_in_use, info.get_parameters().get("sslmode")
    if not private(encrypted=encrypted, host=info.host, address=info.hostaddr, sslmode=mode):
        raise SettingsError(
            "PostgreSQL: the connection is not encrypted, and it is to carry names and numbers; give sslmode=require"
            " or better, or sslmode=disable where the network itself is private"
        )
    if server.one("SHOW server_encoding") != "UTF8":
        raise SettingsError("PostgreSQL: the database is not in UTF8; make one with ENCODING 'UTF8'")
    if server.one("SELECT pg_is_in_recovery()"):
        raise failure("25006", "preparing the session")
    _become(server, settings)
    server.run(
        "SET search_path = pg_catalog, pg_temp; SET standard_conforming_strings = on; SET datestyle = 'ISO, YMD';"
        f" SET statement_timeout = '{settings.statement_seconds}s'; SET lock_timeout = '{settings.lock_seconds}s';"
        " SET idle_in_transaction_session_timeout = '10min';"
        # Sorting millions of rows in the few megabytes that a server gives by default takes it minutes.
        " SET work_mem = '128MB'; SET maintenance_work_mem = '256MB'"
    )


def private(*, encrypted: bool, host: str, address: str, sslmode: str | None) -> bool:
    """Whether nobody on the way can read along, or the user said outright that it does not matter.

    `host` is what was asked for, a socket's folder included; `address` is the number it came to.
    """
    if encrypted or not host or host.startswith(("/", "@")) or sslmode == "disable":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _become(server: Server, settings: Settings) -> None:
    """Act as the loader role, which then owns everything whoever loads."""
    known = {row[0] for row in server.run("SELECT rolname FROM pg_catalog.pg_roles")}
    if missing := [role for role in (settings.loader, settings.analyst) if role not in known]:
        raise SettingsError(
            f"PostgreSQL: there is no role {' and no role '.join(missing)}; let an administrator run the SQL that"
            " `caretrace warehouse setup` prints"
        )
    if not server.one(f"SELECT pg_catalog.pg_has_role(current_user, '{settings.loader}', 'MEMBER')"):
        raise SettingsError(
            f"PostgreSQL: the user {server.connection.info.user} may not load; let an administrator grant it the role"
            f" {settings.loader}"
        )
    server.run(f"SET ROLE {settings.loader}")
