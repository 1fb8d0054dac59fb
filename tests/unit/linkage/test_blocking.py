"""Candidate pairs: made once, counted first, and never by a missing value."""

from __future__ import annotations

import pytest

from linkage.blocking import RULES, AnyOf, BlockingRule, RuleFacts, make_keys, pairs_sql
from linkage.clean import clean


def block(connection, rules: tuple[BlockingRule, ...] = RULES) -> tuple[RuleFacts, ...]:
    facts = make_keys(connection, rules=rules)
    connection.execute(f"CREATE TABLE pair AS {pairs_sql()}")
    return facts


def person(given: str | None, family: str | None, born: str | None, **more: str) -> dict[str, str | None]:
    return {"given_name": given, "family_name": family, "birth_date": born, **more}


@pytest.mark.parametrize(
    ("client", "register", "rule"),
    [
        (
            person("A", "Zed", None, nhs_number="9434765919"),
            person("B", "Yod", None, nhs_number="9434765919"),
            "NHS number",
        ),
        (
            person("Ann", "Smith", "1931-07-09"),
            person("Eve", "Smyth", "1931-07-09"),
            "birth date, sound of family name",
        ),
        (person("Bill", "Old", "1931-07-09"), person("William", "New", "1931-07-09"), "birth date, given name"),
        (person("Khan", "Imran", "1931-07-09"), person("Imran", "Khan", "1931-07-09"), "birth date, names swapped"),
        (person("Ann", "Old", "1931-07-09"), person("Ann", "New", "1931-09-07"), "day and month swapped, given name"),
        (
            person("Ann", "Old", None, postcode="BR1 3AA"),
            person("Ann", "New", None, postcode="BR1 3AA"),
            "any address, sound of given name",
        ),
        (
            person("Ann", "Old", "1931-07-09", postcode="BR1 3AA"),
            person("Eve", "New", "1931-01-30", postcode="BR1 3AA"),
            "any address, year of birth",
        ),
        (
            person("Ann", "Old", "1931-07-09"),
            person("Ann", "New", "1931-01-30", previous_family_name="Old"),
            "any family name, given name, year of birth",
        ),
        (person("Jon", "Smith", "1931-07-09"), person("Jan", "Smyth", "1931-07-30"), "sound of names, year and month"),
        (
            person("Ann", "Old", None, postcode="BR1 3AA"),
            person("Ann", "Old", None, postcode="BR1 9ZZ"),
            "names, district",
        ),
        (
            person("Ann", "Old", None, postcode="BR1 3AA"),
            person("Eve", "Old", None, postcode="BR1 3AA"),
            "any address, sound of family name",
        ),
        (person("Ann", "Old", "1931-07-09"), person("Ann", "Old", "1956-07-09"), "names, day and month of birth"),
        (person("Ann", "Old", None), person("Ann", "Old", "1931-07-09"), "rare names"),
        (
            person("Ann", "Old", None, postcode="BR1 3AA", address_line_1="14 High Street"),
            person("Eve", "New", None, postcode="BR1 3AA", address_line_1="14, HIGH ST"),
            "same house",
        ),
        (
            person("Ann", "Old", "1931-07-09", postcode="BR1 3AA"),
            person("Eve", "New", "1931-07-09", postcode="BR1 9ZZ"),
            "birth date, district",
        ),
        (
            person("Jon", "Smith", None, postcode="BR1 3AA"),
            person("Jan", "Smyth", None, postcode="BR1 9ZZ"),
            "sound of names, district",
        ),
        (person("Ann", "Quilter", None), person("Eve", "Quilter", None), "rare family name"),
        (person("Ann", "Old", "1931-07-09"), person("Eve", "New", "1931-07-09"), "rare birth date"),
    ],
)
def test_each_rule_finds_what_it_is_for(client, register, rule, store) -> None:
    connection = store([client], [register])
    clean(connection, ("clients", "register"))
    facts = {each.name: each.pairs for each in block(connection)}
    assert facts[rule] == 1
    assert connection.execute("SELECT c, r FROM pair").fetchall() == [(0, 0)]  # once, however many rules made it


@pytest.mark.parametrize(
    ("clients", "register", "rule"),
    [
        (
            {"record_id": "c1", "scheme": "superseded NHS number", "value": "9434765919"},
            {"record_id": "r1", "scheme": "superseded NHS number", "value": "9434765919"},
            "superseded NHS number",
        ),
        (
            {"record_id": "c1", "scheme": "ni number", "value": "QQ123456C"},
            {"record_id": "r1", "scheme": "ni number", "value": "qq123456c"},
            "other identifier",
        ),
    ],
)
def test_identifiers_make_pairs(clients, register, rule, store) -> None:
    connection = store(
        [person("Ann", "Old", None)],
        [person("Eve", "New", None)],
        identifiers={"clients": [clients], "register": [register]},
    )
    clean(connection, ("clients", "register"))
    facts = {each.name: each.pairs for each in block(connection)}
    assert facts[rule] == 1


def test_every_rule_stands_in_the_tables_above() -> None:
    tables = [test_each_rule_finds_what_it_is_for.pytestmark, test_identifiers_make_pairs.pytestmark]
    shown = {rule for (parametrize,) in tables for _, _, rule in parametrize.args[1]}
    assert shown == {rule.name for rule in RULES}


def test_missing_values_make_no_pair(store) -> None:
    nobody = person(None, None, None)
    connection = store([nobody, person("Unknown", "Unknown", "1900-01-01", gender="9")], [nobody, nobody])
    clean(connection, ("clients", "register"))
    assert [each.pairs for each in block(connection)] == [0] * len(RULES)
    assert connection.execute("SELECT count(*) FROM pair").fetchall() == [(0,)]


def test_a_former_postcode_and_a_former_name_make_pairs(store) -> None:
    connection = store(
        [person("Ann", "Old", "1931-07-09", postcode="BR1 3AA")],
        [person("Ann", "New", "1931-01-30", postcode="SW1A 1AA")],
        addresses={"register": [{"record_id": "r1", "postcode": "BR1 3AA", "address_type": "home"}]},
        names={"register": [{"record_id": "r1", "name_type": "maiden", "family_name": "Old"}]},
    )
    clean(connection, ("clients", "register"))
    facts = {each.name: each.pairs for each in block(connection)}
    assert facts["any address, sound of given name"] == 1
    assert facts["any family name, given name, year of birth"] == 1


def test_an_address_for_letters_only_is_no_residence(store) -> None:
    connection = store(
        [person("Ann", "Old", None, postcode="BR1 3AA")],
        [person("Ann", "New", None)],
        addresses={"register": [{"record_id": "r1", "postcode": "BR1 3AA", "address_type": "correspondence"}]},
    )
    clean(connection, ("clients", "register"))
    block(connection)
    assert connection.execute("SELECT count(*) FROM pair").fetchall() == [(0,)]


def test_an_oversized_key_is_left_out_and_counted(store) -> None:
    people = [person("Ann", "Smith", None)] * 5 + [person("Zoe", "Quill", None)]
    connection = store([dict(p) for p in people], [dict(p) for p in people])
    clean(connection, ("clients", "register"))
    (facts,) = block(connection, rules=(BlockingRule("names", ("given", "family"), max_register_rows=4),))
    assert (facts.pairs, facts.oversized_keys, facts.oversized_pairs) == (1, 1, 25)
    assert connection.execute("SELECT c, r FROM pair").fetchall() == [(5, 5)]


def test_a_key_may_be_reached_by_several_values_on_both_sides(store) -> None:
    rule = BlockingRule("family", (AnyOf("family", "other_families"),))
    connection = store(
        [person("A", "Smith-Jones", None)], [person("B", "Jones", None), person("C", "Smith Jones", None)]
    )
    clean(connection, ("clients", "register"))
    block(connection, rules=(rule,))
    assert connection.execute("SELECT c, r FROM pair ORDER BY r").fetchall() == [(0, 0), (0, 1)]
