"""The state file, and how it is replaced: a run works on a copy, which takes the old one's place when all is done.

    warehouse/state.duckdb         what holds
    warehouse/state.next.duckdb    the copy of a run at work, or left by one that died; never read
    warehouse/state.lock           held while there is a copy

Killed at any moment a run leaves the old file as it was. Nothing of the state is in a write-ahead log beside it. Where
the project wants its files encrypted, the copy that a run works on is in its workshop (`governance.at_rest`), and
state.next.duckdb is the encrypted form of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace import working_store
from caretrace.run_settings import RunSettings
from caretrace.trace.opening import quoted
from caretrace.warehouse import changed, migrations
from governance import at_rest
from governance.files import held, owner_only, sync_folder
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb

FILE = "state.duckdb"
NEXT = "state.next.duckdb"
LOCK = "state.lock"
_RENAME_SECONDS = 5.0
"""How long a virus scanner or a backup may hold a handle on Windows before the rename fails."""


@dataclass
class State:
    """The state as tables under `state`, in a working store that is `working_store.opened`'s."""

    connection: duckdb.DuckDBPyConnection
    run: int
    """Number of this run; of the last one where the state is only read."""
    folder: Path
    copy: Path | None = None
    """The file that is worked on; None where the state is only read."""
    flushed: Future[None] | None = None
    """Of the copy as it was made, where it is being written to the disk meanwhile."""
    committed: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _giving_back: threading.Thread | None = field(default=None, init=False)
    renew: bool = field(default=False, init=False)
    """Write the file anew when it is committed: what was deleted stands in a database's free blocks for long."""

    def write_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write what there is into the copy, on a connection of its own: `close` then writes what came after.

        Where another connection's transaction is about to end, nothing is written, and `close` writes all of it.
        """
        import duckdb

        if not self.renew:
            with suppress(duckdb.TransactionException):
                connection.execute("CHECKPOINT state")

    def close(self) -> None:
        """Write everything into the copy and let go of it. Nothing can be asked on this connection then."""
        if self.copy is None:
            raise ValueError("a state that is only read")
        if self.renew:
            _renew(self.connection, self.copy)
        else:
            close(self.connection)
        self._closed = True
        # A night's tables are half a gigabyte, and to give them back takes as long as the disk does.
        self._giving_back = threading.Thread(target=self.connection.close)
        self._giving_back.start()

    def wait(self) -> None:
        """Until the connection is closed, where `close` has begun to close it."""
        if self._giving_back:
            self._giving_back.join()

    def commit(self) -> None:
        """Put the copy in the place of the state, durably; it is closed before where nobody has closed it."""
        if self.copy is None:
            raise ValueError("a state that is only read")
        if not self._closed:
            self.close()
        new = self.folder / NEXT
        at_rest.seal_draft(self.copy, new)
        owner_only(new)
        if self.flushed:
            self.flushed.result()  # a fault of the disk is told once, so not again to the next
        with new.open("rb+") as file:
            os.fsync(file.fileno())
        with _given_back_later(self.folder / FILE):
            _replace(new, self.folder / FILE)
        sync_folder(self.folder)
        self.committed = True


@contextmanager
def next_state(
    folder: Path, settings: RunSettings, *, meanwhile: Callable[[], object] = lambda: None
) -> Iterator[State]:
    """Give the next state to work on, a copy of the one in `folder` or an empty one; gone unless committed.

    `meanwhile` is done while the copy is made. Raises Busy where another process is at it, and SettingsError where a
    newer version of caretrace wrote it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder / LOCK):
        for stale in (*folder.glob(f"{NEXT}*"), *folder.glob("work-*")):
            _remove(stale)
        new = at_rest.plain_draft(folder / FILE, folder / NEXT)
        work = Path(tempfile.mkdtemp(prefix="work-", dir=new.parent))
        try:
            with _copying(folder / FILE, new) as copying, working_store.opened(work, settings) as connection:
                if copying and at_rest.is_sealed(folder / FILE):
                    # To decrypt is to import: two threads that import parts of one package may each wait for the other.
                    copying.made.result()
                meanwhile()
                if copying:
                    copying.made.result()
                attach(connection, new)
                # The working store is not compressed, for it lives for one run; the state is, and is copied each night.
                connection.execute("RESET force_compression")
                if copying:
                    migrations.upgrade(connection, folder / FILE)
                else:
                    migrations.create(connection)
                changed.prepare(connection)
                flushed = copying.flushed if copying else None
                state = State(connection, last_run(connection) + 1, folder, new, flushed)
                try:
                    yield state
                finally:
                    state.wait()
        finally:
            for stale in (*folder.glob(f"{NEXT}*"), work, *([] if new.parent == folder else [new.parent])):
                _remove(stale)


@contextmanager
def read_state(folder: Path, settings: RunSettings, *, macros: bool = True) -> Iterator[State]:
    """Open the state to read it, beside any run that is at work. InputError where there is none yet.

    `macros` as in `working_store.opened`.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError("there is no warehouse yet; `caretrace run` makes it", path=path)
    at_rest.begin(folder)
    with (
        at_rest.readable_once(path) as plain,
        tempfile.TemporaryDirectory(prefix="caretrace-") as work,
        working_store.opened(Path(work), settings, macros=macros) as connection,
    ):
        attach(connection, plain, read_only=True)
        migrations.check(connection, path)
        yield State(connection, last_run(connection), folder)


@dataclass(frozen=True)
class _Copying:
    """A copy on its way, made and then taken by the disk."""

    made: Future[None]
    flushed: Future[None]


@contextmanager
def _copying(path: Path, to: Path) -> Iterator[_Copying | None]:
    """Copy the state, where there is one, while the block begins.

    The disk takes the copy while the block is at work: its commit then waits for what was changed alone.
    """
    if not path.exists():
        yield None
        return

    # The file is closed when DuckDB has closed it: to close one is to give up all locks of the process on it (POSIX).
    with ExitStack() as files, ThreadPoolExecutor(1) as pool:

        def flush() -> None:
            if os.name != "nt":  # there DuckDB opens no file that somebody has open
                os.fsync(files.enter_context(to.open("rb")).fileno())

        yield _Copying(pool.submit(at_rest.take_plain, path, to), pool.submit(flush))


def attach(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool = False, name: str = "state") -> None:
    """Attach the file as `state`, or by another name."""
    import duckdb

    # A copy that a run died with is never read, so there is nothing to recover it from.
    options = "READ_ONLY" if read_only else "ROW_GROUP_SIZE 122880, RECOVERY_MODE no_wal_writes"
    try:
        connection.execute(f"ATTACH {quoted(str(path))} AS {name} ({options})")
    except duckdb.Error:  # its words hold parts of the file
        raise InputError("cannot be read as a warehouse; restore it from a backup", path=path.with_name(FILE)) from None


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Write everything into the file itself, leaving no log beside it, and let go of it."""
    connection.execute("CHECKPOINT state")
    connection.execute("USE store; DETACH state")


def _renew(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put a copy of the state that holds its rows and nothing else in the place of its file, and let go of it."""
    fresh = path.with_name(f"{path.name}.fresh")
    attach(connection, fresh, name="fresh_state")
    connection.execute("COPY FROM DATABASE state TO fresh_state")
    connection.execute("CHECKPOINT fresh_state; USE store; DETACH fresh_state; DETACH state")
    _replace(fresh, path)


def last_run(connection: duckdb.DuckDBPyConnection) -> int:
    """Number of the newest run; 0 before the first."""
    [(run,)] = connection.execute("SELECT coalesce(max(run), 0) FROM state.run").fetchall()
    return int(run)


@contextmanager
def _given_back_later(path: Path) -> Iterator[None]:
    """Have nobody wait while the system gives back the space of a file that the block replaces."""
    if os.name == "nt" or not path.exists():  # there no file is replaced while somebody has it open
        yield
        return
    held = path.open("rb")
    try:
        yield
    finally:
        threading.Thread(target=held.close).start()


def _replace(new: Path, old: Path) -> None:
    deadline = time.monotonic() + _RENAME_SECONDS
    while True:
        try:
            new.replace(old)
            return
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
