"""Two releases laid side by side (R27), through the log: what was done before holds for what comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governance import release
from schemas.errors import Refused

if TYPE_CHECKING:
    from conftest import Desk, Kit

GUARDIAN = "Example Guardian of the Council"
IDENTIFIABLE = (
    ('form = "pseudonymised_limited"', 'form = "identifiable"'),
    ('{ name = "gender", transform = "keep"', '{ name = "person_nhs_number", transform = "keep"'),
)
EXEMPT = (
    'national_data_opt_out = "applied"',
    'national_data_opt_out = "exempt"\nexemption = "law"\nexemption_evidence = "s.1"',
)


def another(desk: Desk, *changes: tuple[str, str]) -> None:
    desk.edit(('id = "DSA-EXAMPLE-01"', 'id = "DSA-EXAMPLE-02"'), *changes)


def refused(desk: Desk) -> str:
    with pytest.raises(Refused) as error:
        release.check(desk.plan())
    return " ".join(error.value.reasons)


def test_opt_outs_treated_differently_under_two_agreements(kit: Kit) -> None:
    desk = kit.desk()
    desk.edit(*IDENTIFIABLE)
    desk.make(approved_by=GUARDIAN)
    another(desk, EXEMPT)
    assert "R27: R000001, to this recipient" in refused(desk)


def test_the_same_records_under_pseudonyms_of_two_agreements_cannot_be_joined(kit: Kit) -> None:
    desk = kit.desk()
    desk.make()
    another(desk, EXEMPT)
    release.check(desk.plan())


def test_one_that_the_recipient_may_pool_with(kit: Kit) -> None:
    desk = kit.desk()
    desk.edit(*IDENTIFIABLE)
    desk.make(approved_by=GUARDIAN)
    another(desk, EXEMPT, ("X0X02", "X0X03"))
    release.check(desk.plan())
    desk.edit(('territory = "England"\n', 'territory = "England"\npools_with = ["X0X02"]\n'))
    assert "one it may pool with" in refused(desk)


@pytest.mark.parametrize(
    "change",
    [
        ('"postcode", transform = "district"', '"postcode", transform = "area"'),
        ("k = 5", "k = 6"),
        ('below_k = "withhold"', 'below_k = "refuse"'),
    ],
)
def test_the_same_pseudonyms_coarsened_in_another_way(kit: Kit, change: tuple[str, str]) -> None:
    desk = kit.desk()
    desk.make()
    desk.edit(('version = "1.0"', 'version = "1.1"'), change)
    assert "with the same pseudonyms, was coarsened or withheld in another way" in refused(desk)
    desk.edit(('epoch = "1"', 'epoch = "2"'))
    release.check(desk.plan())
