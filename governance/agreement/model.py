"""What a data sharing agreement says: its parts and their shape.

The fields are those of the templates in use (Warrington Tier 2, Information Sharing Gateway, NHS England DARS, HDR UK
register, ICO data sharing code). What the law or a policy demands of their values is the rules' business; here stands
only what makes an agreement readable, so that the rules can give every reason at once instead of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from governance.aggregate.presets import PRESETS
from governance.agreement.part import Line, Name, Part, PublicKey, Text
from governance.agreement.reversible import Reidentification
from governance.deidentify.columns import RELEASABLE, column
from governance.deidentify.transform import TRANSFORMS

DIRECT_CARE = "direct care"


class Form(StrEnum):
    """How far people can be told apart in what leaves, lowest first (HSCIC rule 3)."""

    AGGREGATE = "aggregate"
    ANONYMISED = "anonymised"
    PSEUDONYMISED = "pseudonymised_limited"
    IDENTIFIABLE = "identifiable"

    @property
    def rung(self) -> int:
        """Place on the ladder, 0 the lowest."""
        return list(Form).index(self)


class Role(StrEnum):
    """What a party is in law, or that it receives."""

    CONTROLLER = "controller"
    JOINT = "joint controller"
    PROCESSOR = "processor"
    RECIPIENT = "recipient"


class Basis(StrEnum):
    """Ways to meet the common law duty of confidentiality."""

    DIRECT_CARE = "direct care"
    CONSENT = "explicit consent"
    SECTION_251 = "section 251"
    STATUTE = "statute"
    PUBLIC_INTEREST = "public interest"
    INSTRUCTED = "processor under instruction"
    NOT_CONFIDENTIAL = "not confidential"


class People(StrEnum):
    """Whose data the agreement covers."""

    LINKED = "linked"
    """clients whose NHS number was found"""
    CLIENTS = "clients"
    """every client, linked or not"""
    ALL = "all"
    """clients and everybody in the register"""


class Signatory(Part):
    """Somebody who must sign for a party, and the key that shows it was they (`caretrace agreement key`)."""

    role: Line
    name: Line
    key: Annotated[str, StringConstraints(pattern=r"^ed25519:[A-Za-z0-9+/]{43}=$")]


class Party(Part):
    """An organisation in the agreement."""

    name: Text
    ods_code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    role: Role
    signatories: Annotated[tuple[Signatory, ...], Field(min_length=1)]
    ico_registration: Text | None = None
    ico_expires: date | None = None
    dspt_status: Text | None = None
    dspt_expires: date | None = None
    territory: Text | None = None
    encryption_keys: tuple[PublicKey, ...] = ()
    """Whom releases are encrypted to: age public keys of the recipient."""


class Dates(Part):
    """When it holds."""

    effective_from: date
    effective_to: date
    review_date: date


class Purpose(Part):
    """One purpose: a flow that serves two needs two agreements (CP4)."""

    code: Text
    statement: Text
    benefits: Text
    processing: Text | None = None
    commercial: bool = False
    legitimate_relationship: Text | None = None


class Lawfulness(Part):
    """Bases in data protection law and in common law, for the output and for the linkage apart."""

    article_6: Text | None = None
    article_9: Text | None = None
    schedule_1: Text | None = None
    common_law: Basis | None = None
    common_law_linkage: Basis | None = None
    statutory_gateway: Text | None = None
    cag_reference: Text | None = None
    cag_expires: date | None = None
    cag_conditions_acknowledged: bool = False
    dpia_reference: Text | None = None
    privacy_notice: Text | None = None
    privacy_notice_date: date | None = None
    ethics_reference: Text | None = None


class Choices(Part):
    """What people chose, and why where their choice is not applied."""

    national_data_opt_out: Annotated[str, StringConstraints(pattern="^(applied|exempt)$")]
    exemption: Text | None = None
    exemption_evidence: Text | None = None
    allowed_list: Text | None = None
    max_age_days: Annotated[int, Field(ge=0, le=21)] = 7
    without_nhs_number: Annotated[str, StringConstraints(pattern="^(exclude|include)$")] = "exclude"
    without_nhs_number_reason: Text | None = None


class Item(Part):
    """One field of one table, with what is done to it and why it is needed (CP3)."""

    name: Text
    transform: Text
    justification: Text


class TableItems(Part):
    """The fields wanted from one table."""

    name: Text
    fields: Annotated[tuple[Item, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> TableItems:
        if self.name not in RELEASABLE:
            raise ValueError(f"unknown table '{self.name}': choose from {', '.join(sorted(RELEASABLE))}")
        names = [item.name for item in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"table '{self.name}' lists a field twice")
        for item in self.fields:
            if (found := column(self.name, item.name)) is None:
                raise ValueError(f"unknown field '{self.name}.{item.name}': see the table's columns in docs/tables.md")
            transform = TRANSFORMS.get(item.transform)
            if transform is None:
                raise ValueError(
                    f"unknown transform '{item.transform}' for '{self.name}.{item.name}': "
                    f"choose from {', '.join(TRANSFORMS)}"
                )
            if not transform.fits(found):
                raise ValueError(f"transform '{item.transform}' does not fit '{self.name}.{item.name}'")
        return self


class Counts(Part):
    """A table of counts of people, by fields that are listed in the data's tables with their transforms."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    dimensions: Annotated[tuple[Text, ...], Field(min_length=1)]
    justification: Text

    @property
    def events(self) -> tuple[str, ...]:
        """Dimensions of another table than `person`."""
        return tuple(path for path in self.dimensions if not path.startswith("person."))


class Data(Part):
    """What leaves: form, people, fields."""

    form: Form
    form_reason: Text | None = None
    people: People = People.LINKED
    cohort_description: Text
    linkage_description: Text
    frequency: Text = "one-off"
    releases_allowed: Annotated[int, Field(ge=1)] = 1
    tables: Annotated[tuple[TableItems, ...], Field(min_length=1)]
    counts: tuple[Counts, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Data:
        if len({table.name for table in self.tables}) != len(self.tables):
            raise ValueError("a table is listed twice")
        return self

    @model_validator(mode="after")
    def _countable(self) -> Data:
        if self.counts and self.form is not Form.AGGREGATE:
            raise ValueError(f"tables of counts are of form '{Form.AGGREGATE}', not '{self.form}'")
        if len({each.name for each in self.counts}) != len(self.counts):
            raise ValueError("two tables of counts have one name")
        listed = {f"{table.name}.{item.name}" for table in self.tables for item in table.fields}
        cuts: dict[str, set[str]] = {}
        for each in self.counts:
            if unknown := [path for path in each.dimensions if path not in listed]:
                raise ValueError(f"counts '{each.name}': list '{unknown[0]}' under data.tables, with a transform")
            names = [path.partition(".")[2] for path in each.dimensions]
            if len(set(names)) != len(names) or "people" in names:
                raise ValueError(f"counts '{each.name}': two dimensions have one name")
            others = {path.partition(".")[0] for path in each.events}
            if len(others) > 1:
                raise ValueError(f"counts '{each.name}': beside person, take dimensions of one table only")
            for other in others:
                if cuts.setdefault(other, set(each.events)) != set(each.events):
                    raise ValueError(f"counts that use '{other}' must all use the same dimensions of it")
        return self


class Disclosure(Part):
    """How small a group of look-alikes may be; None takes the floor of the form."""

    k: Annotated[int, Field(ge=1)] | None = None
    below_k: Annotated[str, StringConstraints(pattern="^(refuse|withhold)$")] = "refuse"
    max_withheld_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    risk_assessment: Text | None = None
    intruder_test_on: date | None = None
    rare_below: Annotated[int, Field(ge=1)] | None = None
    """People below which a category is rolled up; None takes the floor of the form."""
    sensitive: tuple[Text, ...] = ()
    """Fields (`table.name`) that say what is the matter with somebody, measured by l and t."""
    least_values: Annotated[int, Field(ge=1)] = 2
    max_distance: Annotated[float, Field(ge=0, le=1)] | None = None
    restricted_codes: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9.]*$")], ...] = ()
    small_numbers: Text | None = None
    """Preset for small counts in tables."""

    @model_validator(mode="after")
    def _preset(self) -> Disclosure:
        if self.small_numbers is not None and self.small_numbers not in PRESETS:
            raise ValueError(f"unknown preset '{self.small_numbers}': choose from {', '.join(PRESETS)}")
        return self


class Pseudonyms(Part):
    """The domain that pseudonyms are alike in; a new epoch makes them all new."""

    epoch: Name
    custodian: Text
    bridge_from: Name | None = None
    """An earlier epoch of the same recipient: a bridge file leads from its pseudonyms to those of this one."""

    @model_validator(mode="after")
    def _another(self) -> Pseudonyms:
        if self.bridge_from == self.epoch:
            raise ValueError("bridge_from is the epoch itself; name the one before it")
        return self


class Handling(Part):
    """What the recipient may do with it."""

    retention_until: date
    territory: Annotated[tuple[Text, ...], Field(min_length=1)]
    onward_sharing: bool = False
    sub_licence_clause: Text | None = None
    re_identification_forbidden: bool
    incident_contact: Text
    transfer_method: Text | None = None
    destruction: Text | None = None


class Access(Part):
    """A person at the recipient who may use the data."""

    name: Text
    organisation: Text
    trained_on: date


class Agreement(Part):
    """A data sharing agreement, version by version."""

    format: Annotated[int, Field(ge=2, le=2)]
    id: Name
    version: Name
    title: Text
    framework: Text | None = None
    parties: Annotated[tuple[Party, ...], Field(min_length=2)]
    dates: Dates
    purpose: Purpose
    lawfulness: Lawfulness
    choices: Choices
    data: Data
    disclosure: Disclosure = Disclosure()
    pseudonyms: Pseudonyms
    handling: Handling
    access: tuple[Access, ...] = ()
    reidentification: Reidentification | None = None

    @model_validator(mode="after")
    def _listed(self) -> Agreement:
        for path in self.disclosure.sensitive:
            if self.item(*path.partition(".")[::2]) is None:
                raise ValueError(f"disclosure.sensitive: '{path}' is not listed under data.tables")
        return self

    def party(self, ods_code: str) -> Party | None:
        """The party of that code, or None."""
        return next((party for party in self.parties if party.ods_code == ods_code), None)

    @property
    def recipients(self) -> tuple[Party, ...]:
        """Parties that receive."""
        return tuple(party for party in self.parties if party.role is Role.RECIPIENT)

    @property
    def direct_care(self) -> bool:
        """Whether the purpose is a person's own care, which has rules of its own (R16, CP7)."""
        return self.purpose.code == DIRECT_CARE

    @property
    def signatories(self) -> tuple[tuple[Party, Signatory], ...]:
        """Everybody who must sign, with the party they sign for."""
        return tuple((party, signatory) for party in self.parties for signatory in party.signatories)

    def item(self, table: str, field: str) -> Item | None:
        """The agreed item for a field, or None."""
        fields: Sequence[Item] = next((t.fields for t in self.data.tables if t.name == table), ())
        return next((item for item in fields if item.name == field), None)
