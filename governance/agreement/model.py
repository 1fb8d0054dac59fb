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

from governance.agreement.approving import Approval
from governance.agreement.control import Disclosure
from governance.agreement.data import Data, Item
from governance.agreement.part import Name, Part, Text
from governance.agreement.parties import Access, Party, Role, Signatory
from governance.agreement.reversible import Reidentification
from governance.deidentify import areas, ladder

DIRECT_CARE = "direct care"
PURPOSES = (DIRECT_CARE, "commissioning", "publication", "research")
"""The purposes that are known to be different ones: those of the templates. An agreement may name any other."""


class Basis(StrEnum):
    """Ways to meet the common law duty of confidentiality."""

    DIRECT_CARE = "direct care"
    CONSENT = "explicit consent"
    SECTION_251 = "section 251"
    STATUTE = "statute"
    PUBLIC_INTEREST = "public interest"
    INSTRUCTED = "processor under instruction"
    NOT_CONFIDENTIAL = "not confidential"


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
    approval: Approval = Approval()
    pseudonyms: Pseudonyms
    handling: Handling
    access: tuple[Access, ...] = ()
    reidentification: Reidentification | None = None

    @model_validator(mode="after")
    def _listed(self) -> Agreement:
        for path in self.disclosure.sensitive:
            if self.item(*path.partition(".")[::2]) is None:
                raise ValueError(f"disclosure.sensitive: '{path}' is not listed under data.tables")
        for path, last in self.disclosure.coarsest.items():
            table, _, name = path.partition(".")
            item = self.item(table, name)
            if item is None:
                raise ValueError(f"disclosure.coarsest: '{path}' is not listed under data.tables")
            if last not in (steps := ladder.steps(table, name, item.transform)):
                raise ValueError(
                    f"disclosure.coarsest: '{last}' is no step of '{path}' from '{item.transform}' on:"
                    f" choose from {', '.join(steps)}"
                )
        return self

    @model_validator(mode="after")
    def _placed(self) -> Agreement:
        items = (item for table in self.data.tables for item in table.fields)
        for item in items:
            if item.transform in areas.COLUMNS and self.disclosure.postcode_lookup is None:
                raise ValueError(
                    f"transform '{item.transform}' needs disclosure.postcode_lookup, a lookup of postcodes beside the"
                    " agreement; without one choose 'district'"
                )
        return self

    @model_validator(mode="after")
    def _approvable(self) -> Agreement:
        held = {each.role.casefold() for party, each in self.signatories if party.controls}
        for role in self.approval.roles:
            if role.casefold() not in held:
                raise ValueError(f"approval.roles: no signatory of a controller has the role '{role}'")
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
