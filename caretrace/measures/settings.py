"""What a project says about its measures, in measures.toml: parameters, its own words for services, areas, segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caretrace.cld.checks import plain_label
from caretrace.measures import lists
from caretrace.measures.declared import Measure, measures
from caretrace.measures.figures import ALL
from caretrace.measures.lists import AcscList, Segments, acsc_lists, own_segments
from schemas.errors import SettingsError

FILE = "measures.toml"
_SECTIONS = ("measures", "services", "cost_units", "areas", "segments", "acsc_lists")


@dataclass(frozen=True)
class Settings:
    """Everything that a definition leaves open."""

    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By measure, those that differ from the declared ones."""
    services: Mapping[str, str] = field(default_factory=dict)
    """The council's own words in plain form, and the kind of service they mean."""
    cost_units: Mapping[str, float | str] = field(default_factory=lists.cost_units)
    areas: Mapping[str, str] = field(default_factory=dict)
    """Practice codes and postcode districts, and the area each belongs to."""
    segments: Segments = field(default_factory=own_segments)
    acsc: Mapping[str, AcscList] = field(default_factory=acsc_lists)

    def of(self, measure: Measure) -> dict[str, Any]:
        """The parameters of a measure, and `acsc_list` made sure of."""
        found = {each.name: each.default for each in measure.parameters} | dict(self.parameters.get(measure.name, {}))
        if found.get("acsc_list", None) is not None and found["acsc_list"] not in self.acsc:
            raise SettingsError(
                f"{measure.name}: there is no list of avoidable conditions {found['acsc_list']!r};"
                f" there are {', '.join(self.acsc)}"
            )
        return found


def load(path: Path) -> Settings:
    """Read a measures.toml; SettingsError names what is not understood, so that nothing is passed over."""
    told, where = lists.toml(path), path.name
    if unknown := sorted(set(told) - set(_SECTIONS)):
        raise SettingsError(f"{where}: {unknown[0]!r} is no section; there are {', '.join(_SECTIONS)}")
    acsc = dict(acsc_lists())
    for name in told.get("acsc_lists", ()):
        added = lists.read_acsc(path.parent / name)
        acsc[added.name] = added
    settings = Settings(
        parameters=_parameters(told.get("measures", {}), where),
        services=lists.require_own_words(told.get("services", {}), where),
        cost_units={**lists.cost_units(), **_units(told.get("cost_units", {}), where)},
        areas=_areas(told.get("areas", {}), where),
        segments=lists.read_segments(told["segments"], where) if "segments" in told else own_segments(),
        acsc=acsc,
    )
    for measure in measures().values():
        settings.of(measure)
    return settings


def _parameters(told: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    for name, given in told.items():
        if name not in measures():
            raise SettingsError(f"{where}: there is no measure {name!r}; there are {', '.join(measures())}")
        known = {each.name: each for each in measures()[name].parameters}
        for parameter, value in given.items():
            if parameter not in known:
                raise SettingsError(f"{where}: {name} has no parameter {parameter!r}; it has {', '.join(known)}")
            if type(value) is not type(known[parameter].default):
                raise SettingsError(f"{where}: {name}.{parameter} is of another kind than it must be")
    return {name: dict(given) for name, given in told.items()}


def _areas(told: Mapping[str, Any], where: str) -> dict[str, str]:
    if ALL in told.values():
        raise SettingsError(f"{where}: an area may not be called {ALL}, which is the name of the total")
    return {code.strip().upper(): str(area) for code, area in told.items()}


def _units(told: Mapping[str, Any], where: str) -> dict[str, float | str]:
    for unit, value in told.items():
        if value not in ("planned", "once") and not (isinstance(value, int | float) and value > 0):
            raise SettingsError(f'{where}: cost unit {unit!r} is neither units a week, nor "planned", nor "once"')
    return {plain_label(unit): value for unit, value in told.items()}
