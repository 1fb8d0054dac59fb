"""The formats there are. A new supplier is one file of declarations, or one mapping, and one line here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from connectors.source import Source
from connectors.supplier import Supplier
from connectors.suppliers import cds, emis, gp_codes, hl7_adt, mapped, sus, systmone
from connectors.suppliers.cld import CLD
from connectors.suppliers.dbs import DBS
from connectors.suppliers.fhir import FHIR
from connectors.suppliers.hospital import habits
from connectors.suppliers.mpt import MPT
from connectors.suppliers.pds_mesh import PDS_MESH
from connectors.suppliers.standard import STANDARD
from schemas.errors import SettingsError

_DECLARED = {
    supplier.name: supplier
    for supplier in (
        STANDARD,
        emis.EMIS,
        systmone.SYSTMONE,
        PDS_MESH,
        MPT,
        DBS,
        CLD,
        FHIR,
        sus.SUS,
        cds.CDS,
        hl7_adt.HL7,
    )
}
_profile = cache(mapped.load)

FORMATS = ("standard", *mapped.PROFILES, *(name for name in _DECLARED if name != "standard"))


def tells_deliveries(name: str | None) -> bool:
    """Whether files of that format, or of one not yet known, may say of which delivery they are."""
    supplier = _DECLARED.get(name or "")
    return name is None or (supplier is not None and bool(supplier.deliveries or supplier.manifest))


@cache
def holders() -> dict[str, str]:
    """Who holds the records of each format, where the side does not decide that (`Supplier.held_by`)."""
    profiles = {name: mapped.read_mapping(name).held_by for name in mapped.PROFILES}
    declared = {name: supplier.held_by for name, supplier in _DECLARED.items()}
    return {name: who for name, who in (declared | profiles).items() if who}


@cache
def _gp(name: str, codes: Path) -> Supplier:
    make = {"emis": emis.supplier, "systmone": systmone.supplier}[name]
    return make(gp_codes.load(codes, name))


@cache
def _hospital(name: str, mapping: Path) -> Supplier:
    make = {"sus": sus.with_habits, "cds": cds.with_habits, "hl7": hl7_adt.with_habits}[name]
    return make(mapping)


def candidates(source: Source) -> tuple[Supplier, ...]:
    """The suppliers a source may come from: the one that it or its mapping names, or all."""
    if source.format is not None and source.format not in FORMATS:
        raise SettingsError(f"the format {source.format!r} is not known; it is one of {', '.join(FORMATS)}")
    if source.mapping is not None and (gp := source.format or gp_codes.changes(source.mapping)) in gp_codes.FORMATS:
        return (_gp(gp, source.mapping),)
    if source.mapping is not None and (own := source.format or habits.changes(source.mapping)) in habits.FORMATS:
        return (_hospital(own, source.mapping),)
    if source.mapping is not None:
        profile = source.format or mapped.profile_of(source.mapping)
        if profile not in mapped.PROFILES:
            raise SettingsError(f"a mapping is for {', '.join(mapped.PROFILES)} only; {profile} has its own columns")
        supplier = _profile(profile, source.mapping)
        if supplier.name in _DECLARED:
            raise SettingsError(f"{source.mapping}: source = {supplier.name!r} is the name of another format")
        return (supplier,)
    if source.format == mapped.GENERIC:
        raise SettingsError(f"the format {mapped.GENERIC} needs a mapping; `caretrace map FILE` proposes one")
    # Without a mapping the generic profile has no titles to be found by.
    any_of = source.among or [name for name in FORMATS if name != mapped.GENERIC]
    names = any_of if source.format is None else [source.format]
    return tuple(_DECLARED[name] if name in _DECLARED else _profile(name) for name in names)
