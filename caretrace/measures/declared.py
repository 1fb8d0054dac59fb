"""The declarations of the measures: what each asks, by whose definition, of which tables, with which parameters."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from schemas.errors import SettingsError

FOLDER = Path(__file__).parent / "definitions"
BASE, AVOIDABLE = "base", "avoidable"
"""SQL that several measures stand on."""
_COUNTED, _LEFT_OUT = "-- counted\n", "-- left out\n"


@dataclass(frozen=True)
class Amount:
    """Something counted of each person; divided by `scale` where it is shown."""

    name: str
    title: str
    scale: int = 1


@dataclass(frozen=True)
class Parameter:
    """A choice in a definition, and whose it is."""

    name: str
    default: Any
    meaning: str
    standing: str


@dataclass(frozen=True)
class Measure:
    """One measure; the texts are for people, `counted` and `left_out` are plain SQL."""

    name: str
    version: int
    title: str
    question: str
    source: str
    standing: str
    """What of the definition is published, and what is assumed."""
    denominator: str
    numerator: str
    tables: tuple[str, ...]
    kind: str
    """share: some of the people; rate: events of the people; amounts: means over the people."""
    link: str
    """How the completeness of the linkage bears on it."""
    amounts: tuple[Amount, ...]
    counted: str
    """SELECT of period, person_key, part and the amounts: a row a person and period, an amount null where unknown."""
    left_out: str
    """SELECT of period, person_key, reason."""
    per: int = 1
    window_months: int | None = None
    """How long before a period's last day its window begins, where that is not the period itself."""
    depends: tuple[str, ...] = ()
    """Which records that no measure can place bear on it: service, admission, diagnosis, cost."""
    unknown: str = ""
    """Why an amount may be unknown."""
    needs: str | None = None
    """A column of the admissions without which there is nothing to say, which `without` puts into words."""
    without: str = ""
    limits: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the SQL it is made by."""
        text = "".join((shared(BASE), shared(AVOIDABLE), self.counted, self.left_out))
        return sha256(text.encode()).hexdigest()


def shared(name: str) -> str:
    """SQL that measures stand on, statements ended by semicolons."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


@cache
def measures() -> Mapping[str, Measure]:
    """Every measure by its name, in order of the names."""
    return {path.stem: _load(path) for path in sorted(FOLDER.glob("*.toml"))}


def named(names: tuple[str, ...]) -> tuple[Measure, ...]:
    """The measures of these names, all where none is given; SettingsError for a name that none has."""
    known = measures()
    if unknown := [name for name in names if name not in known]:
        raise SettingsError(f"there is no measure {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names) or known)


def _load(path: Path) -> Measure:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    amounts = tuple(Amount(**each) for each in told.pop("amount"))
    parameters = tuple(Parameter(**each) for each in told.pop("parameter", ()))
    sql = path.with_suffix(".sql").read_text(encoding="utf-8")
    counted, left_out = sql.removeprefix(_COUNTED).split(_LEFT_OUT)
    lists: dict[str, Any] = {name: tuple(told.pop(name, ())) for name in ("tables", "depends", "limits")}
    made = Measure(
        **told,
        **lists,
        amounts=amounts,
        parameters=parameters,
        counted=counted.strip().removesuffix(";"),
        left_out=left_out.strip().removesuffix(";"),
    )
    if made.name != path.stem or made.kind not in ("share", "rate", "amounts"):
        raise TypeError(f"{path.name}: the name is not the file's, or the kind is none")
    return made
