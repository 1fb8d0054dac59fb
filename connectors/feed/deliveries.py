"""Which delivery of which feed each file belongs to, and whether the deliveries at hand follow each other.

A supplier that sends only changes sends them in deliveries, each to be laid over the ones before. Their order is told
by the supplier's own manifest, by the names of its files, or else by the caller (`Source.feed`). What the caller says
of full and delta is believed before the files, for manifests have been wrong about that. Files of no told delivery
come first and replace nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.feed.facts import Delivery, File, Place, Told
from connectors.feed.manifest import read_manifest
from connectors.feed.sequence import check
from connectors.found import Extract, Found
from connectors.source import Source
from connectors.supplier import Supplier
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import duckdb


def tell(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, files: Sequence[File], extracts: Sequence[Extract]
) -> Told:
    """The deliveries of one supplier's files; InputError where one is missing between them, or cannot follow.

    Needs the raw relations of the supplier's kinds, but for those with `wanted`, which are loaded in the order told.
    """
    _refuse_feed(supplier, extracts)
    notes: dict[int, str] = {}
    if supplier.manifest:
        found, notes = _listed(connection, supplier.manifest, files, extracts)
    else:
        found = _named(supplier, files)
    told = {file.number for delivery in found for file in delivery.files}
    found += _declared([file for file in files if file.number not in told])
    found = sorted((_believed(delivery) for delivery in found), key=_order)
    feeds, silent = _feeds(connection, supplier, found)
    for feed in feeds:
        notes |= check(feed, silent, gaps_hold=supplier.gaps_hold)
    return Told(tuple(found), tuple(_places(files, found, feeds)), notes)


def _refuse_feed(supplier: Supplier, extracts: Sequence[Extract]) -> None:
    """Refuse to take for deliveries what is told apart in another way, or not at all."""
    said = next((extract.source for extract in extracts if extract.source.feed), None)
    if said and not any(kind.row for kind in supplier.kinds):
        raise SettingsError(
            f"{said.label}: {supplier.name} is not sent as full and delta deliveries that lie over each other; give the"
            " list as it stands, without a feed. Changes alone are for `caretrace run`, where a source may be a delta"
        )


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
        notes[file.number] = manifest.note(other.found.stem for other in together if other is not file)
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
) -> tuple[list[list[Delivery]], list[Delivery]]:
    """Deliveries of one feed together, and those of which it cannot be told, for they speak of nobody.

    One feed is what is named as one, or what speaks of the same organisations.
    """
    named: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        if delivery.feed is not None:
            named.setdefault(delivery.feed, []).append(delivery)
    others = [delivery for delivery in deliveries if delivery.feed is None]
    if len(others) < 2:
        return [*named.values(), *([others] if others else [])], []
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
    if len(chains) < 2:
        return [*named.values(), others], []
    return [*named.values(), *(sorted(chain, key=_order) for _, chain in chains)], silent


def _order(delivery: Delivery) -> tuple[str, str]:
    return delivery.at, delivery.label


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
