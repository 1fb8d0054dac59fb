"""How often records differ from the truth; every rate is assumed unless its reason names a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Errors:
    """Shares between 0 and 1, of client records unless said otherwise; see docs/synthetic.md."""

    register_factor: float = 0.25
    """A register makes this share of a client list's slips: practices correct against PDS at registration."""

    careless_records: float = 0.15
    """Taken in a crisis, by telephone, from somebody else: slips come together, so some records have many."""
    careless_factor: float = 4.0
    """How many times the slips such a record has; others have fewer, so that the rates below hold on average."""

    not_in_register: float = 0.07
    """Clients of another area's practice, unregistered, or who died and left the extract."""
    duplicate_clients: float = 0.01
    """Client records that repeat a person under another id: intake teams add a person twice."""
    two_practices: float = 0.015
    """Register rows that repeat a person: moved, and the old practice has not yet deducted them."""

    nhs_number_missing: float = 0.5
    """Before a first full match a council holds about half (councils' plans of 2014 speak of starting from none)."""
    nhs_number_typo: float = 0.002
    """One digit wrong, so Modulus 11 fails: typed from a letter."""
    nhs_number_of_household: float = 0.002
    """A relative's valid number: the carer's letter was in the file."""
    nhs_number_of_another: float = 0.002
    """Any other person's valid number: a wrong trace accepted."""
    nhs_number_superseded: float = 0.001
    """A valid number nobody in the register carries any more."""
    register_nhs_number_missing: float = 0.003
    """Register rows without a number: the newly born and the newly arrived."""

    given_name_typo: float = 0.02
    """Keyboard, dropped, doubled or transposed letter (Damerau 1964 found four fifths of slips to be one of these)."""
    family_name_typo: float = 0.02
    """As given_name_typo."""
    given_name_variant: float = 0.03
    """Another spelling of the same name: Catherine and Katherine, Mohammed and Muhammad. Where the name has one."""
    nickname: float = 0.08
    """The everyday form: Bill for William. Where the name has one; social workers write what people call themselves."""
    middle_as_given: float = 0.015
    """Known by the middle name. Where there is one."""
    names_swapped: float = 0.004
    """Given and family name in each other's field; more often where the naming order is not English."""
    given_initial: float = 0.004
    """Only the initial."""
    middle_missing: float = 0.6
    """Middle names that were not asked for."""
    name_noise: float = 0.004
    """A title or remark in a name field: (Mrs), known as, TWIN 1."""
    maiden_name: float = 0.06
    """Of women who changed their name: the record still holds the name before marriage."""
    maiden_recorded: float = 0.3
    """Of women who changed their name: the earlier name stands in previous_family_name."""
    double_barrel_half: float = 0.25
    """Of double-barrelled names: one half is left out."""
    punctuation: float = 0.3
    """Of names with an apostrophe, hyphen or accent: written without it."""

    birth_date_missing: float = 0.005
    """Not asked for."""
    birth_date_swapped: float = 0.006
    """Day and month exchanged, where that is a date."""
    birth_date_digit: float = 0.008
    """One digit of day, month or year wrong."""
    birth_date_year: float = 0.005
    """The year off by one, ten or a hundred."""
    birth_date_january: float = 0.003
    """1 January of the right year: the day was not known."""
    birth_date_placeholder: float = 0.001
    """1900-01-01."""
    birth_year_only: float = 0.002
    """Only the year is held."""

    gender_missing: float = 0.01
    """Code 0, not known."""
    gender_wrong: float = 0.01
    """The other one ticked."""

    postcode_missing: float = 0.02
    """Not asked for, or no fixed abode."""
    postcode_typo: float = 0.01
    """One character wrong."""
    postcode_pseudo: float = 0.003
    """ZZ99 codes: no fixed abode, not known."""
    old_address: float = 0.08
    """The address the household left: nobody told the council (in the register: nobody told the practice)."""
    address_noise: float = 0.1
    """The first line written another way: Rd for Road, no comma after the flat."""

    def register(self) -> Errors:
        """The rates for register rows."""
        kept = {
            "register_factor",
            "careless_records",
            "careless_factor",
            "not_in_register",
            "duplicate_clients",
            "two_practices",
            "register_nhs_number_missing",
        }
        # Practices hold middle names and earlier names about as often as anybody does.
        kept |= {"maiden_recorded"}
        names = [name for name in self.__dataclass_fields__ if name not in kept]
        return replace(self, **{name: getattr(self, name) * self.register_factor for name in names})


DEFAULT = Errors()

CENSUS = replace(
    DEFAULT,
    register_factor=1.0,
    careless_records=0.0,
    nickname=0.03,
    given_name_typo=0.01,
    family_name_typo=0.01,
    given_name_variant=0.01,
    given_initial=0.01,
    names_swapped=0.002,
    name_noise=0.0,
    birth_date_missing=0.01,
    birth_date_january=0.0,
    birth_date_placeholder=0.0,
    gender_missing=0.015,
    postcode_missing=0.015,
    postcode_pseudo=0.0,
    old_address=0.02,
    address_noise=0.0,
)
"""Of either list of `make_census`, which adds what a machine misreads."""

PRESETS: Mapping[str, Errors] = MappingProxyType(
    {
        "default": DEFAULT,
        "no-nhs-numbers": replace(DEFAULT, nhs_number_missing=1.0),
        # Little to hold on to: most clients are not there at all, and those who are have changed.
        "hard": replace(
            DEFAULT,
            careless_records=0.0,  # where half of all records lack something, none can lack it four times as often
            not_in_register=0.8,
            nhs_number_missing=1.0,
            maiden_name=0.5,
            old_address=0.5,
            birth_year_only=0.5,
            postcode_missing=0.1,
            nickname=0.2,
        ),
    }
)
