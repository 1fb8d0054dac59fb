"""The formats there are. A new supplier is one file of declarations and one line here."""

from __future__ import annotations

from connectors.source import Source
from connectors.emis import EMIS
from connectors.standard import STANDARD
from connectors.supplier import Supplier
from connectors.systmone import SYSTMONE
from schemas.errors import SettingsError

_SUPPLIERS = {supplier.name: supplier for supplier in (STANDARD, EMIS, SYSTMONE)}

FORMATS = tuple(_SUPPLIERS)


def candidates(source: Source) -> tuple[Supplier, ...]:
    """The suppliers a source may come from: the one it names, or all."""
    if source.format is None:
        return tuple(_SUPPLIERS.values())
    if source.format not in _SUPPLIERS:
        raise SettingsError(f"the format {source.format!r} is not known; it is one of {', '.join(FORMATS)}")
    return (_SUPPLIERS[source.format],)
