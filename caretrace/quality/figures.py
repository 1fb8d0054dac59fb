"""What a look at the records found, as numbers: completeness by field, figures by kind, disagreements by pair."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from caretrace.quality.find import BY_NAME
from caretrace.quality.kind import Kind
from schemas import PERSON, Type
from schemas.person import KEY_COLUMNS, PROVENANCE_COLUMNS

SIDES = ("clients", "register")
RULES = 1
"""Version of the kinds' meaning: figures of another version are not compared with ours."""

_NOT_FIELDS = {column.name for column in (*KEY_COLUMNS, *PROVENANCE_COLUMNS)} | {"birth_date_precision"}
FIELDS: tuple[str, ...] = tuple(c.name for c in PERSON.columns if c.type is not Type.FLAG and c.name not in _NOT_FIELDS)
"""The PERSON columns whose completeness is counted."""


@dataclass(frozen=True)
class Field:
    """Completeness of one PERSON column; present + missing + refused = records, doubtful is part of present."""

    column: str
    present: int
    missing: int
    refused: int
    doubtful: int


@dataclass(frozen=True)
class SourceQuality:
    """One organisation's copy of one system."""

    side: str
    source: str
    source_org: str
    records: int
    shared: int
    """Records whose person another system or organisation holds too."""
    restricted: int
    born_full_date: int
    """Records with a full date of birth: one in 365.25 of them is expected on 1 January."""
    unmatched: int
    """Clients that the run did not link; 0 where nothing was linked."""
    fields: tuple[Field, ...]
    to_mend: dict[str, int]
    """Records in `to_fix` by the word of their most urgent finding; each counts once."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it."""
        return self.side, self.source, self.source_org

    def field(self, column: str) -> Field:
        """Completeness of one column."""
        return next(each for each in self.fields if each.column == column)


@dataclass(frozen=True)
class Figure:
    """How many records of one source one kind holds for; no figure where it holds for none."""

    kind: str
    side: str
    source: str
    source_org: str
    records: int
    doubtful: int
    """Further records for which it holds only if a link below certainty is right; never listed."""
    unmatched: int
    """Clients among `records` that the run did not link."""

    @property
    def key(self) -> tuple[str, str, str]:
        """The source it belongs to."""
        return self.side, self.source, self.source_org

    @property
    def declared(self) -> Kind:
        """The kind's declaration."""
        return BY_NAME[self.kind]

    def counts(self) -> dict[str, int]:
        """Its numbers by name, those that are 0 left out."""
        numbers = {"records": self.records, "doubtful": self.doubtful, "unmatched": self.unmatched}
        return {name: number for name, number in numbers.items() if number}

    @property
    def listed(self) -> int:
        """Records of it in `to_fix`."""
        return self.records if self.declared.is_listed(self.side) else 0


@dataclass(frozen=True)
class Issue:
    """How often one thing is wrong with one column of a source."""

    side: str
    source: str
    source_org: str
    column: str
    issue: str
    used: bool
    values: int


@dataclass(frozen=True)
class SetAside:
    """How many records of one file a rule set aside."""

    side: str
    source: str
    kind: str
    file: str
    rule: str
    records: int


@dataclass(frozen=True)
class Between:
    """People that two systems hold, and about how many of them the two disagree, kind by kind; sure links only."""

    side: str
    source: str
    other_side: str
    other_source: str
    people: int
    differ: dict[str, int]


@dataclass(frozen=True)
class Quality:
    """All facts; `as_at` is the day that ages, open services and future dates were judged by."""

    as_at: date
    linked: bool
    """Whether people were told by the links of a run, or only by the NHS numbers that records share."""
    sources: tuple[SourceQuality, ...]
    figures: tuple[Figure, ...]
    """In the order of the kinds, then of the sources."""
    issues: tuple[Issue, ...]
    set_aside: tuple[SetAside, ...]
    between: tuple[Between, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return {"rules": RULES, **asdict(self), "as_at": self.as_at.isoformat()}

    def summary(self) -> dict[str, Any]:
        """What a manifest keeps, for the trend of the next run: the figures and what they are shares of."""
        kept = ("side", "source", "source_org", "records", "shared", "to_mend")
        return {
            "rules": RULES,
            "as_at": self.as_at.isoformat(),
            "linked": self.linked,
            "sources": [
                {name: getattr(source, name) for name in kept}
                | {"figures": {f.kind: f.counts() for f in self.figures if f.key == source.key}}
                for source in self.sources
            ],
        }

    def of(self, figure: Figure) -> int:
        """What the figure is a share of: the source's records, or those that another system can contradict."""
        source = next(each for each in self.sources if each.key == figure.key)
        return source.shared if figure.declared.of_shared else source.records
