"""Whatever is wrong with log, keys, clock, choices or disk: nothing leaves, and the message says why."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from governance import audit, example, optout
from governance.audit import log
from schemas.errors import Busy, CaretraceError, Refused

if TYPE_CHECKING:
    from conftest import Desk, Kit

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk at which nothing is wrong yet, with a log; every case puts back what it broke."""
    desk = kit_in(tmp_path_factory.mktemp("desk")).desk()
    with log.opened(desk.audit, desk.keys, now=NOW):
        return desk


@contextmanager
def log_unwritable(desk: Desk) -> Iterator[None]:
    leaves = desk.audit / audit.LEAVES
    kept = leaves.read_bytes()
    temporary = desk.audit / f".{audit.CHECKPOINT}.new"
    temporary.mkdir()  # where the next checkpoint is written first
    yield
    temporary.rmdir()
    leaves.write_bytes(kept)


@contextmanager
def log_gone(desk: Desk) -> Iterator[None]:
    kept = desk.audit.rename(desk.root / "kept")
    yield
    shutil.rmtree(desk.audit, ignore_errors=True)
    kept.rename(desk.audit)


@contextmanager
def keys_missing(desk: Desk) -> Iterator[None]:
    kept = desk.keys.folder.rename(desk.root / "no keys")
    yield
    shutil.rmtree(desk.keys.folder, ignore_errors=True)
    kept.rename(desk.keys.folder)


@contextmanager
def clock_behind(desk: Desk) -> Iterator[None]:
    kept = {path: path.read_bytes() for path in desk.audit.iterdir() if path.is_file()}
    anchors = {path: path.read_bytes() for path in (desk.keys.folder / "anchors").iterdir()}
    with log.opened(desk.audit, desk.keys, now=NOW + timedelta(hours=1)) as held:
        held.append([("DECISION", {})], now=NOW + timedelta(hours=1))
    yield
    for path, data in (kept | anchors).items():
        path.write_bytes(data)


@contextmanager
def list_stale(desk: Desk) -> Iterator[None]:
    path = desk.agreement.parent / example.LIST_NAME
    receipt = optout.receipt_path(path)
    kept = receipt.read_text("utf-8")
    receipt.write_text(optout.receipt(NOW.date() - timedelta(days=8), path), encoding="utf-8")
    yield
    receipt.write_text(kept, encoding="utf-8")


@contextmanager
def list_gone(desk: Desk) -> Iterator[None]:
    path = desk.agreement.parent / example.LIST_NAME
    kept = path.rename(path.with_name("elsewhere"))
    yield
    kept.rename(path)


@contextmanager
def second_writer(desk: Desk) -> Iterator[None]:
    with log.opened(desk.audit, desk.keys, now=NOW):
        yield


CASES = [
    (log_unwritable, "the audit log in .* cannot be written .*nothing leaves"),
    (log_gone, "the log or its checkpoint was removed"),
    (keys_missing, "no root key in"),
    (clock_behind, "the clock is behind the last entry"),
    (list_stale, "R21: the list of allowed NHS numbers is 8 days old, and may be 7 at most"),
    (list_gone, "R21: the list of allowed NHS numbers .* cannot be read"),
    (second_writer, "is held by another run"),
]


@pytest.mark.parametrize(("wrong", "words"), CASES, ids=[wrong.__name__ for wrong, _ in CASES])
def test_nothing_leaves_and_the_message_says_why(desk: Desk, wrong: object, words: str) -> None:
    planned = desk.plan()
    # Broken before planning, and between planning and making.
    for again in (True, False):
        with wrong(desk), pytest.raises((CaretraceError, Busy), match=words):  # type: ignore[operator]
            desk.make(None if again else planned)
        releases = desk.project / "releases"
        assert not releases.exists() or not list(releases.iterdir())
    kinds = [entry["type"] for entry in audit.entries(desk.audit, audit.examine(desk.audit, keys_dir=desk.keys.folder))]
    assert "RELEASED" not in kinds


@pytest.mark.skipif(sys.platform == "win32", reason="files have no size limit to set there")
def test_a_full_disk_lets_nothing_out(kit: Kit) -> None:
    """A disk that is full after this many bytes of any one file, from nothing at all up to enough."""
    import resource

    desk = kit.desk()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    refused = 0
    for limit in (0, 1_000, 2_500, 4_200, 7_000, 10_000, 14_000, 40_000):
        planned = desk.plan()
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            made = desk.make(planned, to=f"after {limit}")
        except (Refused, CaretraceError) as error:
            refused += 1
            assert "nothing" in str(error) or "cannot be written" in str(error), str(error)
            assert not list((desk.project / "releases").glob("*"))
        else:
            assert made.folder.is_dir()
            break
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused >= 3
    last = desk.make(to="room again")
    kinds = [entry["type"] for entry in audit.verify(desk.audit, keys_dir=desk.keys.folder).entries]
    assert kinds.count("RELEASED") == len(list((desk.project / "releases").iterdir()))
    assert kinds[-1] == "RELEASED"
    assert last.folder.is_dir()
