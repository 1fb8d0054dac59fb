"""How common is an agreement: by name, by cohort, by both names together."""

from __future__ import annotations

import pytest

from linkage.clean import clean
from linkage.comparison import COMPARISONS
from linkage.frequencies import count_frequencies
from linkage.weigh import pair_level_sql


def u(store, client: dict[str, str], register: list[dict[str, str]], name: str) -> float:
    """The u of the pair of `client` and the first row of `register`, as a probability."""
    connection = store([client], register)
    clean(connection, ("clients", "register"))
    pair = "(SELECT 0 AS c, 0 AS r, true AS first)"
    compared = pair_level_sql(COMPARISONS, count_frequencies(connection), pair)
    ((bits,),) = connection.execute(f"SELECT {name} FROM ({compared})").fetchall()
    return 2**bits


def crowd(count: int, **values: str) -> list[dict[str, str]]:
    letters = "ABCDEFGHIJ"
    return [
        {"given_name": f"Given{letters[i % 10]}", "family_name": f"{letters[i % 7]}fam{letters[i // 7 % 10]}"} | values
        for i in range(count)
    ]


def test_a_common_family_name_says_less_than_a_rare_one(store) -> None:
    register = [
        {"family_name": "Smith"},
        {"family_name": "Featherstone"},
        *crowd(200, family_name="Smith"),
        *crowd(800),
    ]
    common = u(store, {"family_name": "Smith"}, register, "family_u")
    rare = u(store, {"family_name": "Featherstone"}, [register[1], register[0], *register[2:]], "family_u")
    assert common == pytest.approx(201 / 1002, rel=0.5)  # leans on the chance that any two people agree
    assert rare < common / 4


def test_a_given_name_is_as_common_as_among_people_of_that_gender_and_age(store) -> None:
    doris = {"given_name": "Doris", "gender": "2"}
    old = [doris | {"birth_date": "1931-07-09"}] * 60
    crowd_of = crowd(400, gender="2", birth_date="1931-02-02") + crowd(2_000, gender="2", birth_date="1991-02-02")
    among_old = u(store, doris | {"birth_date": "1931-07-09"}, [*old, *crowd_of], "given_u")
    young = doris | {"birth_date": "1991-07-09"}
    among_young = u(store, young, [young, *old, *crowd_of], "given_u")
    assert among_old > 5 * among_young
    assert among_old == pytest.approx(60 / 460, rel=0.3)


def test_a_middle_name_is_as_common_as_among_people_of_that_gender_and_age_who_have_one(store) -> None:
    louise = {"middle_names": "Louise", "gender": "2"}
    young = [louise | {"birth_date": "1981-07-09"}] * 60
    others = crowd(400, gender="2", birth_date="1981-02-02", middle_names="Ann")
    others += crowd(2_000, gender="2", birth_date="1931-02-02", middle_names="Ann")
    nameless = crowd(2_000, gender="2", birth_date="1981-02-02")
    among_young = u(store, louise | {"birth_date": "1981-07-09"}, [*young, *others], "middle_u")
    old = louise | {"birth_date": "1931-07-09"}
    assert among_young == pytest.approx(60 / 460, rel=0.3)
    assert among_young == pytest.approx(u(store, young[0], [*young, *others, *nameless], "middle_u"))
    assert u(store, old, [old, *young, *others], "middle_u") < among_young / 5


def test_names_that_go_together_are_not_counted_twice(store) -> None:
    khan = {"given_name": "Mohammed", "family_name": "Khan"}
    register = [dict(khan) for _ in range(100)] + crowd(100, given_name="Mohammed") + crowd(3_000)
    together = u(store, khan, register, "family_u")
    alone = u(store, khan | {"given_name": "Peter"}, register, "family_u")
    assert together == pytest.approx(100 / 200, rel=0.25)
    assert alone < together / 10


def test_somebody_at_two_practices_counts_once(store) -> None:
    mary = {"given_name": "Mary", "family_name": "Featherstone", "nhs_number": "9434765919"}
    once, twice = ([mary] * times + crowd(500) for times in (1, 2))
    assert u(store, mary, once, "family_u") == pytest.approx(u(store, mary, twice, "family_u"), rel=1e-9)


def test_a_small_register_leans_on_what_is_known_of_england(store) -> None:
    only = {"given_name": "Mary", "family_name": "Featherstone", "birth_date": "1931-07-09"}
    assert 1e-5 < u(store, only, [only], "birth_u") < 1e-2
    assert 1e-4 < u(store, only, [only], "family_u") < 1e-2


def test_one_cruz_among_many_georges_does_not_make_cruz_rare_among_georges(store) -> None:
    """One of them is what chance brings where one is expected."""
    george = {"given_name": "George", "family_name": "Cruz"}
    others = crowd(300, given_name="George") + crowd(4_000) + crowd(6, family_name="Cruz")
    among_georges = u(store, george, [george, *others], "family_u")
    among_all = u(store, george, [george | {"given_name": "Unheard"}, *others], "family_u")
    assert among_all / 2 < among_georges < 2 * among_all


def test_names_that_combine_by_chance_are_taken_one_by_one_whatever_few_people_show(store) -> None:
    """Where no community has names of its own, one namesake more or less is no sign of how common both are."""
    names = [f"{a}{b}{c}name" for a in "BCDFGH" for b in "AEIOU" for c in "LMNPRST"]
    mixed = [{"given_name": names[i % 101], "family_name": f"Mac{names[i * 11 % 210]}"} for i in range(42_420)]
    pair = {"given_name": names[0], "family_name": f"Mac{names[0]}"}
    freely = u(store, pair, [dict(pair), *mixed], "family_u")
    once_more = u(store, pair, [dict(pair) for _ in range(3)] + mixed, "family_u")
    assert freely == pytest.approx(1 / 210, rel=0.05)
    assert once_more == pytest.approx(freely, rel=0.05)


def combining(store, register: list[dict[str, str]]) -> float:
    connection = store([], register)
    clean(connection, ("clients", "register"))
    return count_frequencies(connection).names_together


def test_how_freely_names_combine_is_measured_in_the_register(store) -> None:
    letters = "ABCDEFGHIJKLMNOPQRST"
    mixed = [{"given_name": f"Given{a}", "family_name": f"Fam{b}"} for a in letters for b in letters for _ in range(4)]
    apart = [
        {"given_name": f"Given{a}", "family_name": f"Fam{b}"}
        for a in letters for b in letters for _ in range(8) if (a < "K") == (b < "K")
    ]  # fmt: skip
    assert combining(store, []) == pytest.approx(0.5)
    assert combining(store, mixed) > 5 * combining(store, apart)
    # Somebody there twice without a number is one person, and no two of one name.
    doubled = [row | {"birth_date": f"19{i % 90 + 10}-03-{i % 28 + 1:02}"} for i, row in enumerate(mixed)]
    assert combining(store, doubled * 2) == pytest.approx(combining(store, mixed * 2), rel=0.5)


def test_a_year_is_as_common_as_among_people_whose_date_is_known(store) -> None:
    register = crowd(600, birth_date="1931-02-02") + crowd(1_400, birth_date="1991-02-02") + crowd(999)
    old, young = (u(store, {"birth_date": year}, register, "year_u") for year in ("1931-07-09", "1991-07-09"))
    assert old == pytest.approx((600 + 1000 / 80) / 3000)
    assert young == pytest.approx((1400 + 1000 / 80) / 3000)


def test_a_second_bearer_of_both_names_makes_them_commoner(store) -> None:
    george = {"given_name": "George", "family_name": "Cruz"}
    others = crowd(500, given_name="George") + crowd(2_000)
    found = [u(store, george, [dict(george) for _ in range(bearers)] + others, "family_u") for bearers in (1, 2, 5, 50)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(50 / 550, rel=0.25)
