"""The working store: a DuckDB database in memory for one run, how much memory it takes, and how its work is shared out.

Begin with `opened`. What is here changes how fast a run is, never what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from schemas.sql import install_macros

if TYPE_CHECKING:
    import duckdb

    from caretrace.run_settings import RunSettings

T = TypeVar("T")

DEFAULT_MEMORY = "50%"
"""Of the machine, at most: a run takes what lists of its size need (`frugally`)."""
_ENOUGH, _ENOUGH_A_RECORD = 700_000_000, 400
"""Bytes that linking and writing need, with room to spare; measured with 1.1 and 2.3 million records."""
_SHORT = 250_000
"""People up to whom every core is given a share of the lists (`share_out`) [assumed]: 50,000 are linked a seventh
faster so, and 1.1 million are not."""


@contextmanager
def opened(folder: Path, settings: RunSettings, *, macros: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the working store, which spills into `folder`; closed when the block ends.

    Who reads no records and links nobody needs no `macros`, which take longer to make than a short question.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory,
        "temp_directory": str(folder / "spill"),
        # Nothing is fetched from the network, whatever a query needs.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if settings.threads:
        config["threads"] = settings.threads
    connection = duckdb.connect(config=config)
    try:
        # Our own progress is drawn; DuckDB's would write to the terminal beside it.
        connection.execute("SET enable_progress_bar = false")
        # The store lives for one run: the time to compress it costs more than the disk it saves.
        connection.execute("SET force_compression = 'uncompressed'")
        # A short list of words becomes a join otherwise, through which all columns are carried: as quick by the
        # million but the greater part of the time of a statement that reads a file of few records.
        connection.execute("SET disabled_optimizers = 'in_clause'")
        connection.execute("ATTACH ':memory:' AS store; USE store")
        if macros:
            install_macros(connection, as_at=settings.as_at)
        yield connection
    finally:
        connection.close()


def share_out(connection: duckdb.DuckDBPyConnection, *sides: str) -> None:
    """Give every core a share of lists that are short, once they are read; `sides` are those that are worked on.

    DuckDB shares tables out by row groups of 122,880 rows, more than most client lists have, and a database in memory
    takes no other size. This setting, meant for tests of DuckDB itself, makes it share them out by 2,048 rows.
    """
    counts = " + ".join(f"(SELECT count(*) FROM {side}.person)" for side in sides or ("clients", "register"))
    [(people,)] = connection.execute(f"SELECT {counts}").fetchall()
    connection.execute(f"PRAGMA {'verify' if people <= _SHORT else 'disable_verify'}_parallelism")


def frugally(connection: duckdb.DuckDBPyConnection, memory: str, work: Callable[[], T]) -> T:
    """What `work` gives, done in as much memory as lists of this size need, where `memory` is the default.

    The store would keep whatever it has room for, which makes nothing faster and takes the memory from what else runs.
    Should it not be enough for once, the work is done again with what the machine allows.
    """
    import duckdb

    if memory != DEFAULT_MEMORY:
        return work()
    [(allowed, less)] = connection.execute(
        """SELECT allowed, least($fixed + $each * records, parse_formatted_bytes(allowed))
           FROM (SELECT current_setting('memory_limit') AS allowed,
                        (SELECT count(*) FROM clients.person) + (SELECT count(*) FROM register.person) AS records)""",
        {"fixed": _ENOUGH, "each": _ENOUGH_A_RECORD},
    ).fetchall()
    try:
        connection.execute(f"SET memory_limit = '{less}B'")
        return work()
    except duckdb.OutOfMemoryException:
        connection.execute(f"SET memory_limit = '{allowed}'")
        return work()
    finally:
        connection.execute(f"SET memory_limit = '{allowed}'")
