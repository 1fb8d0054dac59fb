"""Which delivery of which feed each file belongs to, and whether the deliveries at hand follow each other.

A supplier that sends only changes sends them in deliveries, each to be laid over the ones before. Their order is told
by the supplier's own manifest, by the names of its files, or else by the caller (`Source.feed`). What the caller says
of full and delta is believed before the files, for manifests have been wrong about that. Files of no told delivery
come first and replace nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from connectors.detect import Extract, Found
from connectors.manifest import read_manifest
from connectors.source import Source
from connectors.supplier import Kind, Supplier
from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class File:
    """One file that is read, with the number it has while it is read; `sha256` where it was loaded already."""

    number: int
    found: Found
    source: Source
    sha256: str | None = None

    @property
    def kind(self) -> Kind:
        """Its kind: a file of none is not read."""
        if self.found.kind is None:
            raise AssertionError("a file of no kind is not read")
        return self.found.kind


@dataclass(frozen=True)
class Delivery:
    """Files that were delivered together."""

    files: tuple[File, ...]
    at: str
    """When, as a text that sorts within its feed."""
    feed: str | None = None
    """What tells feeds apart; None where only the organisations in the files can."""
    begins: str | int | None = None
    """Where it goes on from; comparable with `ends` of the one before."""
    ends: str | int | None = None
    full: Mapping[int, bool | None] = field(default_factory=dict)
    """File number to whether it holds everything; None where nothing says."""

    @property
    def label(self) -> str:
        """What messages call it: the folder of its files, or the first of them."""
        name = PurePosixPath(self.files[0].found.name)
        return name.parent.as_posix() if len(self.files) > 1 and name.parent.name else name.as_posix()


@dataclass(frozen=True)
class Place:
    """Where a file stands: the number of its delivery (0: not told), and its feed (None: it may be any)."""

    file: int
    kind: str
    feed: str | None
    delivery: int
    whole: bool
    """Whether it replaces what was there before."""


@dataclass(frozen=True)
class Told:
    """Every told delivery, in the order in which they are laid over each other, and the place of every file."""

    deliveries: tuple[Delivery, ...]
    places: tuple[Place, ...]
    notes: Mapping[int, str]
    """What the report says, by number of file."""

    def in_order(self, files: Iterable[File]) -> list[File]:
        """The files by delivery."""
        delivery = {place.file: place.delivery for place in self.places}
        return sorted(files, key=lambda file: (delivery[file.number], file.number))


def tell(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, files: Sequence[File], extracts: Sequence[Extract]
) -> Told:
    """The deliveries of one supplier's files; InputError where one is missing between them, or cannot follow.

    Needs the raw relations of the supplier's kinds, but for those with `wanted`, which are loaded in the order told.
    """
    notes: dict[int, str] = {}
    if supplier.manifest:
        found, notes = _listed(connection, supplier.manifest, files, extracts)
    else:
        found = _named(supplier, files)
    told = {file.number for delivery in found for file in delivery.files}
    found += _declared([file for file in files if file.number not in told])
    found = sorted((_believed(delivery) for delivery in found), key=lambda delivery: (delivery.at, delivery.label))
    feeds = _feeds(connection, supplier, found)
    for feed in feeds:
        notes |= _check(supplier, feed)
    return Told(tuple(found), tuple(_places(files, found, feeds)), notes)


def _places(
    files: Sequence[File], deliveries: Sequence[Delivery], feeds: Sequence[Sequence[Delivery]]
) -> Iterator[Place]:
    in_feeds = {
        id(delivery): [f"feed {number}" for number, feed in enumerate(feeds) if any(one is delivery for one in feed)]
        for delivery in deliveries
    }
    told = {
        file.number: (number, delivery)
        for number, delivery in enumerate(deliveries, start=1)
        for file in delivery.files
    }
    for file in files:
        if file.number not in told:
            yield Place(file.number, file.kind.name, f"source {id(file.source)}", 0, whole=False)
            continue
        number, delivery = told[file.number]
        names = in_feeds[id(delivery)]
        feed = names[0] if len(names) == 1 else None
        yield Place(file.number, file.kind.name, feed, number, whole=bool(delivery.full[file.number]))


def _listed(
    connection: duckdb.DuckDBPyConnection, kind: str, files: Sequence[File], extracts: Sequence[Extract]
) -> tuple[list[Delivery], dict[int, str]]:
    """One delivery for each manifest: the files of its folder."""
    deliveries, notes = [], {}
    for file in (file for file in files if file.kind.name == kind):
        together = tuple(
            other for other in files if _folder(other.source, other.found) == _folder(file.source, file.found)
        )
        beside = [
            other.stem
            for extract in extracts
            for other in extract.files
            if _folder(extract.source, other) == _folder(file.source, file.found)
        ]
        manifest = read_manifest(connection, kind, file.number, beside, file.found.where)
        notes[file.number] = manifest.note
        full = {stem.casefold(): whole for stem, whole in manifest.full.items()}
        deliveries.append(
            Delivery(
                files=together,
                at=manifest.until or "",
                begins=manifest.since,
                ends=manifest.until,
                full={other.number: full.get(other.found.stem.casefold()) for other in together},
            )
        )
    return deliveries, notes


def _folder(source: Source, found: Found) -> tuple[int, str]:
    # By where it lies: names for the report show no more of that than tells files apart.
    return id(source), Path(found.where).parent.as_posix()


def _named(supplier: Supplier, files: Sequence[File]) -> list[Delivery]:
    """One delivery for each time and feed in the names of files."""
    together: dict[tuple[str, str], list[tuple[File, Mapping[str, str | None]]]] = {}
    for file in files:
        parts = supplier.deliveries.search(file.found.stem) if supplier.deliveries else None
        if parts:
            key = parts["feed"].upper(), parts["at"]
            together.setdefault(key, []).append((file, parts.groupdict()))
    deliveries = []
    for (feed, at), members in together.items():
        parts_of = [parts for _, parts in members]
        first = next((int(parts["first"]) for parts in parts_of if parts["first"]), None)
        last = next((int(parts["last"]) for parts in parts_of if parts["last"]), first)
        whole = True if any(parts["full"] for parts in parts_of) else None
        deliveries.append(
            Delivery(
                files=tuple(file for file, _ in members),
                at=at,
                feed=feed,
                begins=None if first is None else first - 1,
                ends=last,
                full={file.number: whole for file, _ in members},
            )
        )
    return deliveries


def _declared(files: Sequence[File]) -> list[Delivery]:
    """One delivery for each source that the caller calls full or delta, in the order given."""
    sources = list({id(file.source): file.source for file in files if file.source.feed}.values())
    return [
        Delivery(tuple(file for file in files if file.source is source), at=f"{place:09}")
        for place, source in enumerate(sources)
    ]


def _believed(delivery: Delivery) -> Delivery:
    """With what the caller says in the place of what the files say."""
    said = {"full": True, "delta": False}
    full = {file.number: said.get(file.source.feed or "", delivery.full.get(file.number)) for file in delivery.files}
    return replace(delivery, full=full)


def _feeds(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, deliveries: Sequence[Delivery]
) -> list[list[Delivery]]:
    """Deliveries of one feed together: named as one, or speaking of the same organisations.

    A delivery of no records speaks of nobody, and stands in every chain.
    """
    named: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        if delivery.feed is not None:
            named.setdefault(delivery.feed, []).append(delivery)
    others = [delivery for delivery in deliveries if delivery.feed is None]
    if len(others) < 2:
        return [*named.values(), *([others] if others else [])]
    organisations = _organisations(connection, supplier)
    chains: list[tuple[set[str], list[Delivery]]] = []
    silent = []
    for delivery in others:
        own = set().union(*(organisations.get(file.number, set()) for file in delivery.files))
        if not own:
            silent.append(delivery)
            continue
        joined = [chain for chain in chains if chain[0] & own]
        chains = [chain for chain in chains if not chain[0] & own]
        chains.append((own.union(*(o for o, _ in joined)), [d for _, several in joined for d in several] + [delivery]))
    chains = chains or [(set(), [])]
    return [*named.values(), *(sorted([*chain, *silent], key=lambda d: (d.at, d.label)) for _, chain in chains)]


def _organisations(connection: duckdb.DuckDBPyConnection, supplier: Supplier) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for kind in supplier.kinds:
        if kind.row and kind.row.organisation and kind.wanted is None:
            rows = connection.execute(
                f'SELECT DISTINCT file, "{kind.row.organisation}" FROM raw_{kind.name}'
            ).fetchall()
            for file, organisation in rows:
                if organisation is not None:
                    found.setdefault(file, set()).add(organisation)
    return found


def _check(supplier: Supplier, feed: Sequence[Delivery]) -> dict[int, str]:
    """Hold a feed whose deliveries do not follow each other; notes on what is accepted."""
    notes: dict[int, str] = {}
    seen: set[str] = set()
    for place, delivery in enumerate(feed):
        _check_copies(
            [*delivery.files, *(feed[place - 1].files if place and feed[place - 1].at == delivery.at else ())]
        )
        if place and (gap := _gap(feed[place - 1], delivery)):
            if supplier.gaps_hold and not any(file.source.feed for file in delivery.files):
                raise InputError(
                    f"a delivery is missing before this one: {gap}; fetch it, or begin again with a full extract",
                    path=delivery.label,
                )
            notes |= {file.number: f"perhaps a delivery is missing before this one: {gap}" for file in delivery.files}
        groundless = [
            file.found.name
            for file in delivery.files
            if file.kind.row
            and file.kind.fills
            and delivery.full[file.number] is False
            and file.source.feed is None
            and file.kind.name not in seen
        ]
        if groundless:
            raise InputError(
                "holds only changes, and the full extract they follow is not here: "
                f"{', '.join(groundless)}; give it too, or say that changes alone are meant (feed delta)",
                path=delivery.label,
            )
        seen |= {file.kind.name for file in delivery.files}
    return notes


def _check_copies(files: Sequence[File]) -> None:
    """The same delivery twice changes nothing; two of one moment that differ leave open which holds."""
    known: dict[str, File] = {}
    for file in files:
        other = known.setdefault(file.found.stem, file)
        if file.sha256 and other.sha256 and file.sha256 != other.sha256:
            raise InputError(
                f"{other.found.name} is of the same delivery and differs, so which of them holds cannot be told; keep"
                " one of them",
                path=file.found.name,
            )


def _gap(before: Delivery, delivery: Delivery) -> str | None:
    """What lies between two deliveries, where the second is not full and does not begin where the first ends."""
    if all(delivery.full[file.number] for file in delivery.files if file.kind.fills):
        return None
    begins, ends = delivery.begins, before.ends
    if isinstance(begins, int) and isinstance(ends, int) and begins > ends:
        return f"the one before ends with {ends}, this one begins with {begins + 1}"
    if isinstance(begins, str) and isinstance(ends, str) and begins > ends:
        return f"the one before ends at {ends}, this one begins at {begins}"
    return None
