"""What happens to a client: small cases a person can judge, run through the whole engine.

The register of each case has a few hundred people who have nothing to do with it, so that names have frequencies.
"""

from __future__ import annotations

import pytest

from linkage import Settings, link

MARY = {
    "given_name": "Mary",
    "family_name": "Featherstone",
    "birth_date": "1931-07-09",
    "gender": "2",
    "address_line_1": "14 High Street",
    "postcode": "BR1 3AA",
}
MARYS_NUMBER, SISTERS_NUMBER, THIRD_NUMBER = "9434765919", "9000000009", "9000000017"
SISTER = MARY | {"given_name": "Doreen", "nhs_number": SISTERS_NUMBER}  # a twin: the same date and address


def changed(**values: object) -> dict[str, object]:
    return MARY | values


def review(word: str) -> tuple[str, None, str]:
    return ("review", None, word)


LINKED = ("link", MARYS_NUMBER, None)
REGISTERED = changed(nhs_number=MARYS_NUMBER)
STRANGER = {"given_name": "Peter", "family_name": "Walker", "birth_date": "1960-02-03", "nhs_number": THIRD_NUMBER}

CASES = [
    # what the case is; the client; the register; then decision, whose number, and a word of the reason
    ("everything agrees", changed(nhs_number=MARYS_NUMBER), [REGISTERED], LINKED),
    ("no number, all else agrees", MARY, [REGISTERED], LINKED),
    ("nobody like her in the register", MARY, [], ("none", None, "no register record")),
    ("she and her twin are registered", MARY, [REGISTERED, SISTER], LINKED),
    ("only her twin is registered", MARY, [SISTER], review("given name")),
    ("she carries her twin's number", changed(nhs_number=SISTERS_NUMBER), [REGISTERED, SISTER], review("given name")),
    # Number and date of birth are a cross-check that nobody in this register contradicts; conflicts.csv says so.
    (
        "the same, and only her twin is registered",
        changed(nhs_number=SISTERS_NUMBER),
        [SISTER],
        ("link", SISTERS_NUMBER, None),
    ),
    # As in a list sorted by name whose numbers and dates slipped by a row.
    (
        "she carries the number and date of another of her family name",
        changed(nhs_number=SISTERS_NUMBER, birth_date="1958-11-21"),
        [REGISTERED, SISTER | {"birth_date": "1958-11-21", "postcode": "SW1A 1AA"}],
        review("given name"),
    ),
    # All else agrees, so she is found; conflicts.csv says that the number she carries is another's.
    ("she carries a stranger's number", changed(nhs_number=THIRD_NUMBER), [REGISTERED, STRANGER], LINKED),
    (
        "the same, and she has moved",
        changed(nhs_number=THIRD_NUMBER, postcode="SW1A 1AA"),
        [REGISTERED, STRANGER],
        review("belongs to somebody else"),
    ),
    ("two people of her name, date and address", MARY, [REGISTERED, changed(nhs_number=THIRD_NUMBER)], review("close")),
    (
        "nothing held but her number and date of birth",
        {"nhs_number": MARYS_NUMBER, "birth_date": "1931-07-09"},
        [REGISTERED],
        LINKED,
    ),
    ("registered at two practices", MARY, [REGISTERED, dict(REGISTERED)], LINKED),
    # Nobody in this register has a number but who is given one here: so a row without one is no oddity.
    ("the register row has no number", MARY, [MARY], ("link", None, None)),
    ("married and still at home", changed(family_name="Okonkwo", nhs_number=MARYS_NUMBER), [REGISTERED], LINKED),
    ("a slip in the date", changed(birth_date="1931-07-19", nhs_number=MARYS_NUMBER), [REGISTERED], LINKED),
    ("another given name", changed(given_name="Joyce", nhs_number=MARYS_NUMBER), [REGISTERED], LINKED),
    (
        "another given name, and a slip in the date",
        changed(given_name="Joyce", birth_date="1931-07-19", nhs_number=MARYS_NUMBER),
        [REGISTERED],
        review("given name"),
    ),
    ("another date", changed(birth_date="1956-02-28", nhs_number=MARYS_NUMBER), [REGISTERED], review("date of birth")),
    ("day and month swapped", changed(birth_date="1931-09-07"), [REGISTERED], LINKED),
    ("a dummy date says nothing", changed(birth_date="1900-01-01"), [REGISTERED], LINKED),
    ("her own number is nobody's here", changed(nhs_number=THIRD_NUMBER), [REGISTERED], LINKED),
    (
        "her own number is nobody's here, and she lives elsewhere",
        changed(nhs_number=THIRD_NUMBER, postcode="SW1A 1AA"),
        [REGISTERED],
        review("NHS numbers differ"),
    ),
    (
        "only the family name and the date of birth agree",
        {"family_name": "Featherstone", "birth_date": "1931-07-09"},
        [REGISTERED],
        review("given name is not known"),
    ),
    ("only the names agree", {"given_name": "Mary", "family_name": "Featherstone"}, [REGISTERED], review("names")),
    (
        "her number, an initial that fits, and another's family name",
        {"given_name": "M", "family_name": "Okonkwo", "gender": "2", "nhs_number": MARYS_NUMBER},
        [REGISTERED],
        review("only the NHS number"),
    ),
    (
        "her number and her family name",
        {"given_name": "M", "family_name": "Featherstone", "gender": "2", "nhs_number": MARYS_NUMBER},
        [REGISTERED],
        LINKED,
    ),
]


def neighbours(count: int = 400) -> list[dict[str, object]]:
    """People of the same small town with a few dozen names among them."""
    given = ("John", "Peter", "Susan", "Anita", "Winston", "Grace", "Tariq", "Mary")
    family = ("Smith", "Jones", "Patel", "Okafor", "Walker", "Nowak", "Hussain")
    return [
        {
            "given_name": given[i % 8],
            "family_name": family[i % 7],
            "birth_date": f"{1930 + i % 70}-{1 + i % 12:02d}-{1 + i % 28:02d}",
            "gender": str(1 + i % 2),
            "address_line_1": f"{i} Long Lane",
            "postcode": f"BR{1 + i % 9} {i % 10}{'ABDEFGHJLN'[i % 10]}{'PQRSTUWXYZ'[i // 10 % 10]}",
        }
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("client", "register", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_decision(client, register, wanted, store) -> None:
    connection = store([client], [*register, *neighbours()])
    link(connection, seed=1, run_id="test")
    ((decision, number, why),) = connection.execute("SELECT decision, nhs_number, reason FROM link").fetchall()
    assert (decision, number) == wanted[:2]
    assert why is None if wanted[2] is None else wanted[2] in why


@pytest.mark.parametrize(("numberless", "wanted"), [("auto", "link"), ("link", "link"), ("review", "review")])
def test_a_register_row_without_a_number_is_linked_or_asked_about(numberless, wanted: str, store) -> None:
    connection = store([MARY], [MARY, *neighbours()])
    link(connection, seed=1, run_id="test", settings=Settings(numberless=numberless))
    assert connection.execute("SELECT decision, nhs_number FROM link").fetchall() == [(wanted, None)]


def test_two_clients_may_be_one_person(store) -> None:
    connection = store([MARY, changed(given_name="Marie")], [REGISTERED, *neighbours()])
    link(connection, seed=1, run_id="test")
    assert connection.execute("SELECT decision, nhs_number FROM link").fetchall() == [("link", MARYS_NUMBER)] * 2
