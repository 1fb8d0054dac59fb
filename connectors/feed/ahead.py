"""What a delivery says of itself before it is read: which files belong together, of what time, and full or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.detect import detect
from connectors.feed.manifest import read_manifest
from connectors.files.load import load_text
from connectors.files.memory import Memory
from connectors.files.opening import stem_of
from connectors.files.raw import create_raw, create_views
from connectors.found import Extract, Found
from connectors.source import Source
from connectors.supplier import Supplier
from connectors.suppliers import candidates, tells_deliveries

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Told:
    """What the supplier's own names or manifest say of one delivery."""

    at: str
    """When; a text that sorts among deliveries of one supplier."""
    whole: bool
    """Whether it holds everything; False where any of its files holds only changes."""
    feed: str | None = None
    """What tells feeds apart that share an inbox, such as a sharing agreement."""


def together(name: str, source: Source) -> str | None:
    """What files that were delivered together have in common in their names; None where names do not tell."""
    for supplier in candidates(source):
        parts = supplier.deliveries.search(stem_of(name)) if supplier.deliveries else None
        if parts:
            return f"{parts['at']}_{parts['feed'].upper()}"
    return None


def ahead(source: Source) -> Told | None:
    """What one delivery says of itself; None where its supplier does not tell deliveries.

    Raises InputError where it cannot be opened, where its supplier cannot be told, or where its manifest is wrong.
    """
    # Of a format that tells nothing nothing has to be opened.
    if not tells_deliveries(source.format):
        return None
    # Changes may be one table alone; whether people are missing shows when it is read.
    extract = detect(source, candidates(source), changes=True)
    supplier = extract.supplier
    if supplier.deliveries:
        return _named(supplier, extract)
    return _listed(supplier, extract) if supplier.manifest else None


def _named(supplier: Supplier, extract: Extract) -> Told | None:
    found = [supplier.deliveries.search(file.stem) for file in extract.files if file.kind and supplier.deliveries]
    parts = [each.groupdict() for each in found if each]
    if not parts:
        return None
    feeds = {each["feed"].upper() for each in parts}
    return Told(
        max(each["at"] for each in parts),
        all(each["full"] for each in parts),
        feeds.pop() if len(feeds) == 1 else None,
    )


def _listed(supplier: Supplier, extract: Extract) -> Told | None:
    import duckdb

    manifests = [file for file in extract.files if file.kind and file.kind.name == supplier.manifest]
    if not manifests:
        return None
    told = []
    for file in manifests:
        with duckdb.connect() as connection:
            told.append(_manifest(connection, supplier, file, extract))
    return Told(max(at for at, _ in told), all(whole for _, whole in told))


def _manifest(
    connection: duckdb.DuckDBPyConnection, supplier: Supplier, file: Found, extract: Extract
) -> tuple[str, bool]:
    kind, member = file.kind, file.member
    if kind is None or member is None:
        raise AssertionError("a manifest is a file of its kind")
    raw = f"loaded_{kind.name}"
    create_raw(connection, raw, kind)
    loaded = load_text(
        connection, member, kind, file.header, raw=raw, file=1, encodings=supplier.encodings, tick=lambda done: None
    )
    create_views(connection, [kind], {kind.name: [loaded]}, Memory())
    stems = [other.stem for other in extract.files]
    manifest = read_manifest(connection, kind.name, 1, stems, file.where)
    return manifest.until or "", all(manifest.full.values())
