"""What there is to read: a file, or something inside one, as blocks of plain bytes.

What a file is, its first bytes say; its ending says only what it was called. A `Member` may be inside an archive, a
compressed or encrypted file, or be a sheet of a workbook; nothing is ever unpacked onto a disk.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, TypeAlias

from schemas.errors import InputError

if TYPE_CHECKING:
    from connectors.files.workbook import Sheet

BLOCK = 16 << 20
HEAD = 1 << 16
PARQUET = (".parquet", ".pq")
WRAPPERS = (".gz", ".gpg", ".pgp", ".asc")
ENDINGS = (
    *(".csv", ".txt", ".tsv", ".dat", ".hl7", ".json", ".ndjson"),
    *(*PARQUET, ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".zip", *WRAPPERS),
)
"""Of the files in a folder or an archive, those that are opened."""

NO_ENDING = "its name has none of the endings of files that hold records"
"""Why a file of a folder or an archive is not opened."""

_GZIP, _OLE, _PGP = b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"-----BEGIN PGP MESSAGE-----"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")

Tick: TypeAlias = Callable[[int], None]
"""Told how many bytes of the delivered file were read since the last time."""
Blocks: TypeAlias = Callable[[Tick], Iterator[bytes]]


@dataclass(frozen=True)
class Opening:
    """How packed files are opened."""

    times: int = 200
    """How many times its own size a packed file may hold. Real extracts hold five to fifty times; what is made to fill
    a memory or a disk, a thousand times."""
    in_memory: int = 2 << 30
    """Bytes of a workbook or an archive that stands inside another file, which must be held in memory."""
    workbook_memory: int = 4 << 30
    """Bytes that opening a workbook may take: some 40 for each cell between its first and its last, empty ones too."""
    passphrase_file: Path | None = None
    """Holds the passphrase of the OpenPGP key; where there is none, GnuPG's agent is asked."""
    gnupg_home: Path | None = None
    """GnuPG's folder; its own default where none is given."""

    def bound(self, packed: int) -> int:
        """Bytes that a packed file of `packed` bytes may hold; small files are no danger."""
        return max(self.times * packed, 64 << 20)


DEFAULT = Opening()


class Delivered:
    """A file as it was delivered."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def sha256(self) -> str:
        """Of the bytes as delivered, before anything is unpacked or decrypted."""
        digest = hashlib.sha256()
        for block in raw_blocks(self.path):
            digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class Member:
    """One readable thing: a file, or a part of one, such as a file in a zip archive or a sheet of a workbook."""

    delivered: Delivered
    name: str
    """What reports call it: its path below the source, such as "extract.zip/SRPatient.csv"."""
    stem: str
    """Its own name without endings."""
    size: int
    """Bytes of the delivered file that hold it; what `blocks` counts up to."""
    head: bytes = field(default=b"", repr=False)
    """Its first HEAD bytes, unpacked."""
    within: tuple[str, ...] = ()
    """Names below the delivered file, where it is a part of it."""
    sheet: Sheet | None = field(default=None, repr=False, compare=False)
    """Its rows, where it is a sheet of a workbook and no text."""
    unread: str | None = None
    """Why it is not read, where that is known before it is opened; it is named in the report."""
    _blocks: Blocks | None = field(default=None, repr=False, compare=False)

    @property
    def path(self) -> Path:
        """The delivered file."""
        return self.delivered.path

    @property
    def where(self) -> Path:
        """The path for messages, with what follows inside the file."""
        return self.path.joinpath(*self.within)

    @property
    def is_plain(self) -> bool:
        """Whether its bytes are those of the delivered file."""
        return self._blocks is None and self.sheet is None

    @property
    def is_parquet(self) -> bool:
        """Whether it holds typed columns that stay in their place."""
        return self.is_plain and self.path.suffix.lower() in PARQUET

    def blocks(self, tick: Tick = lambda done: None) -> Iterator[bytes]:
        """Its bytes, unpacked; InputError with the path where they cannot be read."""
        return self._blocks(tick) if self._blocks else _counted(raw_blocks(self.path), tick)


def members(path: Path, name: str, opening: Opening) -> list[Member]:
    """What there is to read in the file `path`, which reports call `name`; InputError where it cannot be opened."""
    with _readable(path) as file:
        head = file.read(HEAD)
    member = Member(Delivered(path), name, stem_of(path.name), path.stat().st_size, head)
    return [member] if member.is_parquet else _opened(member, opening)


def passed_by(path: Path, name: str, why: str) -> Member:
    """What stands beside the files that are read, so that the report names it."""
    return Member(Delivered(path), name, stem_of(path.name), path.lstat().st_size, unread=why)


def stem_of(name: str) -> str:
    """A file's name without its ending, and without those of what it is wrapped in.

    >>> stem_of("clients.csv.gz")
    'clients'
    """
    path = PurePosixPath(name)
    while path.suffix.lower() in WRAPPERS:
        path = path.with_suffix("")
    return path.stem


def _opened(member: Member, opening: Opening) -> list[Member]:
    """The member itself, or what is in it; wrappers are taken off one by one."""
    from connectors.files import openpgp, packed, webpage, workbook

    head = member.head
    if head.startswith(_GZIP):
        return _opened(_unwrapped(member, lambda blocks, tick: packed.gunzip(blocks(tick), member, opening)), opening)
    if head.lstrip(b"\xef\xbb\xbf\r\n ").startswith(_PGP) or openpgp.is_binary(member.path.name, head):
        return _opened(_unwrapped(member, lambda blocks, tick: openpgp.decrypt(blocks, tick, member, opening)), opening)
    if head.startswith(_OLE) or (head.startswith(_ZIPS) and packed.is_workbook(seekable(member, opening), member)):
        return workbook.sheets(member, opening)
    if head.startswith(_ZIPS):
        parts = packed.listed(member, opening)
        return [each for part in parts for each in ([part] if part.unread else _opened(part, opening))]
    if webpage.is_page(head):
        return webpage.tables(member, opening)
    return [member]


def _unwrapped(member: Member, unwrap: Callable[[Blocks, Tick], Iterator[bytes]]) -> Member:
    blocks = member.blocks
    inner = replace(member, _blocks=lambda tick: unwrap(blocks, tick))
    return replace(inner, head=first_bytes(inner))


def first_bytes(member: Member) -> bytes:
    """The first HEAD bytes of a member, from its blocks."""
    head = b""
    blocks = member.blocks()
    for block in blocks:
        head += block[: HEAD - len(head)]
        if len(head) == HEAD:
            break
    close = getattr(blocks, "close", None)
    if close:
        close()
    return head


def seekable(member: Member, opening: Opening) -> IO[bytes]:
    """The member as a file to seek in: itself, or a copy in memory where it stands inside another."""
    if member.is_plain:
        return _readable(member.path)
    held = io.BytesIO()
    for block in member.blocks():
        held.write(block)
        if held.tell() > opening.in_memory:
            raise InputError(
                f"holds an archive or a workbook of more than {opening.in_memory >> 20} MB; take it out first",
                path=member.where,
            )
    held.seek(0)
    return held


def raw_blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes as they are; InputError with the path where it cannot be opened or read."""
    try:
        with _readable(path) as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise _unreadable(path, error) from error


def _readable(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    reason = os.strerror(error.errno).lower() if error.errno else "unknown reason"
    return InputError(f"cannot be read ({reason}); check the path and its permissions", path=path)


def _counted(blocks: Iterator[bytes], tick: Tick) -> Iterator[bytes]:
    for block in blocks:
        yield block
        tick(len(block))
