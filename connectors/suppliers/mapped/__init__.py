"""Council systems, each declared by a TOML mapping of column titles: a new one is one file in `profiles/`.

A profile changes `profiles/other.toml`, which says what holds for every council system, and a council's own mapping
changes a profile; what a layer does not name, it leaves. `fields` says what can be mapped, `settings` reads a mapping,
`people` and `hanging` make the supplier that follows from one. Where no layout is public a profile is assumed, and says
so.
"""

from __future__ import annotations

from pathlib import Path

from connectors.supplier import Kind, Supplier
from connectors.suppliers.mapped import hanging, people
from connectors.suppliers.mapped.fields import KINDS
from connectors.suppliers.mapped.settings import GENERIC, PROFILES, Mapped, profile_of, read_mapping

__all__ = ["GENERIC", "PROFILES", "load", "profile_of", "read_mapping"]


def load(profile: str, mapping: Path | None = None) -> Supplier:
    """The supplier of a shipped profile, changed by a council's own mapping; SettingsError says what is wrong in it."""
    settings = read_mapping(profile, mapping)
    kinds = tuple(_kind(settings, name) for name in KINDS if settings.reads(name) or name == "person")
    return Supplier(
        name=settings.source,
        held_by=settings.held_by,
        encodings=settings.encodings,
        kinds=kinds,
        lookups=people.lookups(settings, {kind.name for kind in kinds}),
        note=settings.standing if mapping else f"{settings.standing} (caretrace map proposes another)",
    )


def _kind(settings: Mapped, name: str) -> Kind:
    return people.kind(settings) if name == "person" else hanging.kind(settings, name)
