"""Lists that measures count by: avoidable conditions, kinds of service, units of cost, segments."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from caretrace.cld.checks import plain_label
from schemas.errors import SettingsError

_FOLDER = Path(__file__).parent / "lists"
NOT_KNOWN = "not known"
_SELF_FUNDED = plain_label("NFA: Self-funded client or under 12wk disregard")
_OLDEST = 999


@dataclass(frozen=True)
class Condition:
    """ICD-10 codes without dots, each a beginning; an X at the fourth place is padding."""

    name: str
    codes: tuple[str, ...]
    position: str = "primary"
    not_applied: str = ""


@dataclass(frozen=True)
class AcscList:
    """One version of what is avoidable (ambulatory care sensitive)."""

    name: str
    title: str
    source: str
    standing: str
    transfers_count: bool
    conditions: tuple[Condition, ...]

    @property
    def codes(self) -> list[tuple[str, str]]:
        """Condition and beginning of a diagnosis."""
        return [(condition.name, code.removesuffix("X")) for condition in self.conditions for code in condition.codes]


@dataclass(frozen=True)
class Segment:
    """Who belongs to a segment: all that is said must hold."""

    name: str
    services: tuple[str, ...] = ()
    emergencies: int = 0
    min_age: int = 0
    max_age: int = _OLDEST


@dataclass(frozen=True)
class Segments:
    """Segments in order: a person is in the first that fits."""

    name: str
    version: int
    segments: tuple[Segment, ...]


@cache
def acsc_lists() -> Mapping[str, AcscList]:
    """The lists that come with the package, by name."""
    found = [read_acsc(path) for path in sorted(_FOLDER.glob("acsc-*.toml"))]
    return {each.name: each for each in found}


def read_acsc(path: Path) -> AcscList:
    """A list of avoidable conditions; SettingsError where the file is none."""
    told = toml(path)
    try:
        conditions = tuple(Condition(**{**each, "codes": tuple(each["codes"])}) for each in told.pop("condition"))
        made = AcscList(**told, conditions=conditions)
    except (KeyError, TypeError):
        raise SettingsError(f"{path.name}: not a list of conditions as those in caretrace/measures/lists are") from None
    if not all(code.isalnum() and len(code) >= 3 for _, code in made.codes):
        raise SettingsError(f"{path.name}: a code is not ICD-10 without dots of three characters or more")
    return made


def read_segments(told: Mapping[str, Any], where: str) -> Segments:
    """Segments as declared; SettingsError for a word that is none."""
    try:
        segments = tuple(Segment(**{**each, "services": tuple(each.get("services", ()))}) for each in told["segment"])
        made = Segments(str(told["name"]), int(told["version"]), segments)
    except (KeyError, TypeError, ValueError):
        raise SettingsError(
            f"{where}: segments need a name, a version, and a list of segments with name, services, emergencies,"
            " min_age or max_age"
        ) from None
    _require_kinds({kind for each in segments for kind in each.services}, where)
    return made


@cache
def own_segments() -> Segments:
    """The segments that come with the package."""
    return read_segments(toml(_FOLDER / "segments.toml"), "segments.toml")


@cache
def _services() -> Mapping[str, Any]:
    return toml(_FOLDER / "services.toml")


def kinds() -> tuple[str, ...]:
    """Every kind of service that there is."""
    return tuple(dict.fromkeys(each["kind"] for each in _services()["kind"]))


def cost_units() -> Mapping[str, float | str]:
    """Units of cost by their plain label: how many a week has, or "planned", or "once"."""
    units: Mapping[str, float | str] = _services()["cost_units"]
    return units


def kind_of(service_type: str, component: str, own: Mapping[str, str]) -> str:
    """The kind of a service by its words, `own` (plain words to kind) before the lists; else NOT_KNOWN."""
    words = {"type": plain_label(service_type), "component": plain_label(component)}
    for said in (words["component"], words["type"]):
        if said and said in own:
            return own[said]
    for each in _services()["kind"]:
        if all(words[part] in map(plain_label, each[part]) for part in ("type", "component") if part in each):
            return str(each["kind"])
    return NOT_KNOWN


def is_user(client_type: str) -> bool:
    """Whether a service is for the person's own needs; one that does not say is taken for such [assumed]."""
    return "carer" not in plain_label(client_type)


def is_self_funded(outcome: str) -> bool:
    """Whether the outcome is the one of people who pay themselves or are within the 12-week disregard."""
    return plain_label(outcome) == _SELF_FUNDED


def require_own_words(words: Mapping[str, Any], where: str) -> dict[str, str]:
    """A council's own words for kinds of service, in plain form; SettingsError for a kind that there is not."""
    _require_kinds({str(kind) for kind in words.values()}, where)
    return {plain_label(word): str(kind) for word, kind in words.items()}


def _require_kinds(given: set[str], where: str) -> None:
    if unknown := sorted(given - set(kinds())):
        raise SettingsError(f"{where}: {unknown[0]!r} is no kind of service; there are {', '.join(kinds())}")


def toml(path: Path) -> dict[str, Any]:
    """A TOML file of settings; SettingsError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: not TOML that can be read ({error.__class__.__name__})") from None
