"""What people decided earlier: honoured, reversible, and asked again where it no longer fits."""

from __future__ import annotations

from datetime import datetime

import pytest

from linkage import link
from schemas import VERDICT

MARYS_NUMBER, OTHER_NUMBER = "9434765919", "9000000009"
MARY = {
    "given_name": "Mary",
    "family_name": "Featherstone",
    "birth_date": "1931-07-09",
    "gender": "2",
    "address_line_1": "14 High Street",
    "postcode": "BR1 3AA",
}
STRANGER = {"given_name": "Joan", "family_name": "Quill", "birth_date": "1960-02-03"}
WHEN = datetime(2026, 11, 20, 9, 30)  # noqa: DTZ001 - stored without a zone, in UTC
ROW, NUMBER = "register row", "NHS number"


def decided(store, verdicts: list[tuple[str, str, str]], register: list[dict[str, str]]) -> dict[str, object]:
    """The link of Mary, given verdicts (verdict, what names the register person, its value)."""
    connection = store([MARY], register)
    connection.execute(VERDICT.ddl("verdict"))
    for verdict, named_by, value in verdicts:
        connection.execute(
            "INSERT INTO verdict SELECT source, source_org, record_id, 'register', ?, ?, ?, ?, 'Ann', ?"
            " FROM clients.person",
            [
                connection.execute("SELECT any_value(source_org) FROM register.person").fetchall()[0][0],
                value if named_by == ROW else "gone",
                value if named_by == NUMBER else None,
                verdict,
                WHEN,
            ],
        )
    connection.execute("UPDATE verdict SET register_source = (SELECT any_value(source) FROM register.person)")
    link(connection, seed=1, run_id="test")
    found = connection.execute("SELECT * FROM link")
    names = [each[0] for each in found.description]
    (row,) = found.fetchall()
    return dict(zip(names, row, strict=True))


HERSELF, NOBODY_LIKE_HER = MARY | {"nhs_number": MARYS_NUMBER}, STRANGER | {"nhs_number": OTHER_NUMBER}


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [
        ([], ("link", MARYS_NUMBER, None)),
        ([("same", ROW, "r2")], ("link", OTHER_NUMBER, "Ann")),  # whatever the records say
        ([("same", NUMBER, OTHER_NUMBER)], ("link", OTHER_NUMBER, "Ann")),  # the row has gone, the person has not
        ([("different", ROW, "r1")], ("none", None, None)),
        ([("different", NUMBER, MARYS_NUMBER)], ("none", None, None)),
        ([("different", ROW, "r2")], ("link", MARYS_NUMBER, None)),  # nobody thought so anyway
        ([("same", ROW, "r1"), ("different", ROW, "r2")], ("link", MARYS_NUMBER, "Ann")),
    ],
)
def test_a_decision_is_honoured(verdicts, wanted, store) -> None:
    found = decided(store, verdicts, [HERSELF, NOBODY_LIKE_HER])
    assert (found["decision"], found["nhs_number"], found["decided_by"]) == wanted
    assert (found["decided_at"] is not None) == (wanted[2] is not None)
    assert (found["method"] == "review") == (wanted[2] is not None)


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ([("same", NUMBER, "9434765870")], "no longer in the register"),
        ([("same", ROW, "r1"), ("same", ROW, "r2")], "two register people"),
    ],
)
def test_a_decision_that_no_longer_fits_is_asked_again(verdicts, reason: str, store) -> None:
    found = decided(store, verdicts, [HERSELF, NOBODY_LIKE_HER])
    assert found["decision"] == "review"
    assert found["nhs_number"] is None
    assert reason in str(found["reason"])


def test_a_row_that_carries_another_number_today_is_not_the_one_that_was_looked_at(store) -> None:
    connection = store([MARY], [HERSELF, NOBODY_LIKE_HER])
    connection.execute(VERDICT.ddl("verdict"))
    connection.execute(
        """INSERT INTO verdict SELECT c.source, c.source_org, c.record_id, r.source, r.source_org, r.record_id,
            '9434765870', 'same', 'Ann', ? FROM clients.person c, register.person r WHERE r.record_id = 'r2'""",
        [WHEN],
    )
    link(connection, seed=1, run_id="test")
    ((decision, number, reason),) = connection.execute("SELECT decision, nhs_number, reason FROM link").fetchall()
    assert (decision, number) == ("review", None)
    assert "no longer in the register" in reason
