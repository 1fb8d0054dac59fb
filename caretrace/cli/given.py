"""What a command was given to read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connectors import Source

RegisterAs = Annotated[
    list[str] | None,
    typer.Option(metavar="[PATH=]F", help="A register's format: for the one at PATH, or for all. Repeatable."),
]
RegisterMap = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PATH=]FILE",
        help="A TOML file of a register's settings (a hospital's habits, a mapping, a code list): for the one at PATH,"
        " or for all. Repeatable.",
    ),
]
RegisterFeed = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[PATH=]full|delta",
        help="Whether a register is a full delivery of its feed, or holds changes to the one given before it, where its"
        " files do not say so: for the one at PATH, or for all. Repeatable.",
    ),
]


class Feed(StrEnum):
    """What a delivery of a feed holds."""

    FULL = "full"
    DELTA = "delta"


Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="[PATH=]CODES",
        help="Organisations of a register to leave out knowingly, by their codes with commas between, such as a"
        " practice whose sharing agreement is disabled: for the register at PATH, or for all. Repeatable.",
    ),
]


def source(
    path: Path,
    *,
    format: str | None = None,
    mapping: Path | None = None,
    without: Sequence[str] = (),
    feed: Feed | None = None,
) -> Source:
    """A file or folder, opened as the environment says: CARETRACE_GPG_PASSPHRASE_FILE, CARETRACE_UNPACK_TIMES."""
    from caretrace.opening import opening
    from connectors import Source

    return Source(
        path,
        format=format,
        mapping=mapping,
        feed=feed.value if feed else None,
        without=tuple(without),
        opening=opening(os.environ),
    )


def registers(
    paths: Sequence[Path],
    formats: Sequence[str] | None,
    mappings: Sequence[str] | None,
    without: Sequence[str] | None = None,
    feeds: Sequence[str] | None = None,
) -> list[Source]:
    """The registers, each with its format, settings, kind of delivery and who is left out, by the `[PATH=]` options."""
    named = by_register(paths, formats or [], "--register-as")
    files = by_register(paths, mappings or [], "--register-map")
    left_out = by_register(paths, without or [], "--without")
    delivered = by_register(paths, feeds or [], "--register-feed")
    for word in delivered:
        if word is not None and word not in list(Feed):
            raise typer.BadParameter(f"{word!r} is neither full nor delta", param_hint="--register-feed")
    return [
        source(
            path,
            format=format_name,
            mapping=Path(file) if file else None,
            without=[code.strip() for code in (codes or "").split(",") if code.strip()],
            feed=Feed(word) if word else None,
        )
        for path, format_name, file, codes, word in zip(paths, named, files, left_out, delivered, strict=True)
    ]


def by_register(paths: Sequence[Path], given: Sequence[str], option: str) -> list[str | None]:
    """What `[PATH=]VALUE` options say of each register; a PATH that is no register is wrong usage."""
    for_all: str | None = None
    by_path: dict[Path, str] = {}
    for each in given:
        path, separator, value = each.rpartition("=")
        if not separator:
            for_all = value
        elif Path(path) in paths:
            by_path[Path(path)] = value
        else:
            raise typer.BadParameter(f"{path} is none of the registers given", param_hint=option)
    return [by_path.get(path, for_all) for path in paths]
