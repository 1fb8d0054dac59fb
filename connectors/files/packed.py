"""Archives and compressed files: members are streamed, and none may hold more than an extract can."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import IO

from connectors.files.opening import BLOCK, ENDINGS, NO_ENDING, Member, Opening, Tick, first_bytes, seekable, stem_of
from schemas.errors import InputError, shown

_DAMAGED = "is damaged or was cut short; fetch it again"
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError, ValueError, RuntimeError)
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_OTHERS = {
    "word/": "it is a Word document; ask for the report as CSV or a workbook",
    "ppt/": "it is a presentation; ask for the report as CSV or a workbook",
}


def gunzip(blocks: Iterator[bytes], member: Member, opening: Opening) -> Iterator[bytes]:
    """The unpacked bytes of all parts of a gzip file; InputError where it was cut short or holds far too much."""
    bound, made = opening.bound(member.size), 0
    part, begun = zlib.decompressobj(wbits=31), False
    try:
        for block in blocks:
            rest = block
            while rest:
                if part.eof:
                    # Zeros may fill a tape or a disk to its end; anything else begins another part.
                    rest = rest.lstrip(b"\0") if begun else rest
                    if not rest:
                        break
                    part, begun = zlib.decompressobj(wbits=31), True
                plain = part.decompress(rest, BLOCK)
                rest = part.unconsumed_tail or part.unused_data
                begun = True
                made += len(plain)
                check_bound(made, bound, member)
                if plain:
                    yield plain
    except zlib.error as error:
        raise InputError(_DAMAGED, path=member.where) from error
    if not part.eof:
        raise InputError(_DAMAGED, path=member.where)


def check_bound(made: int, bound: int, member: Member) -> None:
    """Refuse what unpacks to more than an extract can hold."""
    if made > bound:
        raise InputError(
            f"unpacks to more than {bound >> 20:,} MB, far more than an extract of its size can hold; unpack it"
            " yourself if it is sound",
            path=member.where,
        )


def is_workbook(file: IO[bytes], member: Member) -> bool:
    """Whether a zip archive is a workbook; InputError where it is another program's document."""
    with file, _archive(file, member) as archive:
        names = archive.namelist()
        for folder, what in _OTHERS.items():
            if any(name.startswith(folder) for name in names):
                raise InputError(f"this is not a text file: {what}", path=member.where)
        return "[Content_Types].xml" in names or "content.xml" in names


def listed(member: Member, opening: Opening) -> list[Member]:
    """The files of a zip archive that may hold records, in order of name, each streamed when it is read."""
    with seekable(member, opening) as file, _archive(file, member) as archive:
        held = sorted((info for info in archive.infolist() if _is_shown(info)), key=lambda info: info.filename)
    found = [info for info in held if _may_hold(info)]
    if not found:
        raise InputError(f"the archive holds no file that ends in {', '.join(ENDINGS)}", path=member.where)
    check_sizes(found, member, opening)
    parts = [_part(member, info, opening) if _may_hold(info) else _passed_by(member, info) for info in held]
    if len({part.name for part in parts}) < len(parts):
        raise InputError(
            "the archive holds two files of the same name; unpack it and keep the right one", path=member.where
        )
    return parts


def check_sizes(found: list[zipfile.ZipInfo], member: Member, opening: Opening) -> None:
    """Refuse an archive whose members would fill a memory or a disk; what is read of each is held to what it says."""
    for info in found:
        check_bound(info.file_size, opening.bound(info.compress_size), member)
    check_bound(sum(info.file_size for info in found), opening.bound(member.size), member)


def _is_shown(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename).parts
    hidden = any(part.startswith((".", "~", "__MACOSX")) and part != ".." for part in parts)
    return not info.is_dir() and not hidden


def _may_hold(info: zipfile.ZipInfo) -> bool:
    return PurePosixPath(info.filename).suffix.lower() in ENDINGS


def _passed_by(member: Member, info: zipfile.ZipInfo) -> Member:
    return replace(_named(member, info), head=b"", unread=NO_ENDING)


def _named(member: Member, info: zipfile.ZipInfo) -> Member:
    # Names are only shown: nothing is ever written under them.
    parts = [part for part in PurePosixPath(info.filename.replace("\\", "/")).parts if part not in ("..", "/", ".")]
    return replace(
        member,
        name=shown("/".join([member.name, *parts])),
        stem=stem_of(parts[-1]) if parts else "",
        size=info.compress_size,
        within=(*member.within, *parts),
    )


def _part(member: Member, info: zipfile.ZipInfo, opening: Opening) -> Member:
    made = _named(member, info)
    if info.flag_bits & _ENCRYPTED:
        raise InputError("is encrypted with a password; unpack the archive first", path=made.where)
    if info.compress_type not in _METHODS:
        raise InputError(
            f"is compressed in a way (method {info.compress_type}) that is not read here; unpack the archive first",
            path=made.where,
        )
    made = replace(made, _blocks=lambda tick: _stream(member, info, made, opening, tick))
    made = replace(made, head=first_bytes(made))
    if made.head.startswith(b"PK\x03\x04") and made.where.suffix.lower() == ".zip":
        raise InputError("is an archive in an archive; unpack the outer one first", path=made.where)
    return made


def _stream(outer: Member, info: zipfile.ZipInfo, part: Member, opening: Opening, tick: Tick) -> Iterator[bytes]:
    told = 0
    try:
        with seekable(outer, opening) as file, zipfile.ZipFile(file) as archive, archive.open(info) as stream:
            done = 0
            while block := stream.read(BLOCK):
                yield block
                done += len(block)
                packed = part.size * done // max(1, info.file_size)
                tick(packed - told)
                told = packed
    except _FAULTS as error:
        raise InputError(_DAMAGED, path=part.where) from error


def _archive(file: IO[bytes], member: Member) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _FAULTS as error:
        raise InputError(_DAMAGED, path=member.where) from error
