"""Conditions from a file: what is allowed comes out the same, and everything else is refused with its reason."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clean import clean
from linkage.comparison import COMPARISONS
from linkage.conditions.expression import ConditionError
from linkage.conditions.fields import FIELDS, canonical, check_types
from linkage.conditions.functions import FUNCTIONS, SYNONYMS, TAKES_FUNCTION

SHIPPED = [text for each in COMPARISONS for text in (each.unknown, *(level.condition for level in each.levels))]


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("l.given = (SELECT given FROM register_record LIMIT 1)", "a subquery"),
        ("EXISTS (FROM register_record)", "a subquery"),
        ("l.given IN (SELECT given FROM register_record)", "a subquery"),
        ("l.given = ANY(SELECT 'x')", "a subquery"),
        ("read_csv('people.csv') IS NULL", "calls read_csv"),
        ("read_text('people.csv') = 'x'", "calls read_text"),
        ("glob('*') IS NULL", "calls glob"),
        ("getenv('HOME') = 'x'", "calls getenv"),
        ("current_setting('threads') = '1'", "calls current_setting"),
        ("getvariable('x') = 'x'", "calls getvariable"),
        ("query('DROP TABLE pair') IS NULL", "calls query"),
        ("write_log('x') IS NULL", "calls write_log"),
        ("random() > 0.5", "calls random"),
        ("nextval('s') > 1", "calls nextval"),
        ("now() IS NULL", "calls now"),
        ("sum(l.birth_year) > 1", "calls sum"),
        ("row_number() OVER () = 1", "a window function"),
        ("repeat(l.given, 1000000000) = ''", "calls repeat"),
        ("lpad(l.given, 1000000000, 'x') = ''", "pads a text"),
        ("replace(l.given, 'A', 'AAAAAAAAAA') = ''", "more to put in than it takes out"),
        ("regexp_replace(l.given, '', 'xy', 'g') = ''", "more to put in than it takes out"),
        ("replace(" * 11 + "l.given" + ", 'A', 'B')" * 11 + " = ''", "replaces more than 10 times"),
        ("replace(l.given, 'A', r.given) = ''", "argument 3 that is no constant"),
        ('"\x1b[2J"(l.given)', r"calls \?\[2j"),
        ("system.main.levenshtein(l.given, r.given) < 1", "more than plain arguments"),
        ("error('stop') IS NULL", "calls error"),
        ("true; DROP TABLE pair", "not one expression"),
        ("1); DROP TABLE pair; SELECT (1", "not one expression"),
        ("true) FROM register_record WHERE (true", "not one expression"),
        ("l.given = 'x', r.given = 'x'", "calls row"),
        ("true THEN 1 WHEN true", "not one expression"),
        ("PRAGMA version", "not one expression"),
        ("COPY pair TO 'pairs.csv'", "not one expression"),
        ("l.key = r.key", "reads l.key"),
        ("given = 'x'", "reads given"),
        ("register_record.given = 'x'", "reads register_record.given"),
        ("current_user = 'x'", "reads current_user"),
        ("l.*", "a star"),
        ("COLUMNS('given') IS NULL", "a star"),
        ("l.given = $1", "parameter"),
        ("l.given = ?", "parameter"),
        ("CAST(l.given AS JSON) IS NULL", "casts to JSON"),
        ("CAST(l.given AS main.mine) IS NULL", "casts to MINE"),
        ("l.given COLLATE nocase = 'x'", "collate"),
        ("regexp_matches(l.given, r.given)", "argument 2 that is no constant"),
        ("NOT TRY(l.given = 'x')", "TRY"),
        ("l.given = x'00'", "a constant that is no text"),
        ("l.given = 'a\nb'", "a character that cannot be seen"),
        ("list_filter(l.other_givens, r.given) IS NULL", "something else than a function"),
        ("len(list_filter(l.other_givens, lambda l: l.given = 'x')) > 0", "no short word"),
        ("len(list_filter(l.other_givens, lambda n: n.a = 'x')) > 0", "no short word"),
        ("len(list_filter(l.other_givens, lambda x, i: i > 1)) > 0", "no short word"),
        (
            "len(list_transform(l.other_givens, lambda x: list_transform(l.other_givens,"
            " lambda y: list_transform(l.other_givens, lambda z: x)))) > 0",
            "more than 2 functions",
        ),
        ("", "is empty"),
        (" \n", "is empty"),
        ("l.given = '\ud800'", "half a character"),
        ("NOT " * 150 + "true", "nested deeper"),
        ("l.given", "takes a text for true or false"),
        ("NOT l.given", "takes a text for true or false"),
        ("l.given = 'x' AND levenshtein(l.given, r.given)", "takes a number for true or false"),
        ("length(l.other_givens) > 1", "takes a list for a text"),
        ("true OR " * 2000 + "true", "characters, more than"),
    ],
)
def test_what_is_not_on_the_list_is_refused(condition: str, reason: str) -> None:
    with pytest.raises(ConditionError, match=reason):
        canonical(condition)


@pytest.mark.parametrize("condition", SHIPPED)
def test_our_own_conditions_are_allowed_and_come_out_the_same_again(condition: str) -> None:
    once = canonical(condition)
    assert canonical(once) == once
    check_types(once)


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ("true -- and what a comment hides", "true"),
        ("l.given=r.given", "(l.given = r.given)"),
        ("L.GIVEN = r.given", None),
        ("l.given NOT IN ('A', 'B')", "(NOT (l.given IN ('A', 'B')))"),
        ("l.given LIKE 'O''B%'", "(l.given LIKE 'O''B%')"),
        ("abs(l.birth_year - r.birth_year) <= 1", None),
        ("jaccard(l.given, r.given) > 0.9", "(TRY(jaccard(l.given, r.given)) > 0.9)"),
        ("l.unit[:-3] = r.unit[:-3]", "(l.unit[:-3] = r.unit[:-3])"),
        ("len(list_filter(l.other_givens, lambda x: x = r.given)) > 0", None),
        ("CASE WHEN l.given = 'A' THEN true END", "(CASE WHEN (l.given = 'A') THEN true ELSE NULL END)"),
        ("levenshtein(l.birth_date, r.birth_date) <= 1", None),
        ("nvl(l.given, 'X') = 'X'", "(coalesce(l.given, 'X') = 'X')"),
    ],
)
def test_sql_is_written_from_the_tree(condition: str, written: str | None) -> None:
    if condition.startswith("L."):
        with pytest.raises(ConditionError):
            canonical(condition)
        return
    once = canonical(condition)
    assert written in (None, once)
    assert canonical(once) == once
    check_types(once)


@pytest.mark.parametrize(
    "condition",
    [
        "l.gender = 'M'",
        "l.birth_date > 3",
        "len(l.gender) > 1",
        "l.given = 1",
        "l.birth_date = 'soon'",
        "list_contains(l.other_givens, r.nhs)",
        "greatest(l.given, r.gender) > 0",
        "len(list_filter(l.other_givens, lambda x: x > 1)) > 0",
    ],
)
def test_what_duckdb_would_not_take_is_refused_before_there_are_records(condition: str) -> None:
    with pytest.raises(ConditionError, match="DuckDB does not take"):
        check_types(canonical(condition))


@pytest.mark.parametrize(
    "condition",
    [
        "jaccard(l.given, r.given) > 0.5",
        "hamming(l.given, r.given) = 1",
        "l.nhs * r.nhs * l.nhs * r.nhs > 1",
        "l.gender - r.gender < 0",
        "CAST(l.given AS INTEGER) = 1",
        "CAST(l.given AS DATE) IS NOT NULL",
        "try_strptime(l.given, '%Y') IS NULL",
        "l.birth_year / (r.birth_year - r.birth_year) > 1",
        "left(l.given, 9999) = substring(r.given, 0, 2)",
        "l.other_givens[99] = 'x'",
        "l.given = r.birth_year",
        "l.other_givens[1]",
        "substring(l.given, r.nhs) = 'x'",
        "left(l.given, r.nhs * 1000) = 'x'",
        "round(l.birth_year / 7, 1) > 1",
        "replace(l.given, ' ', '') = 'ABC'",
    ],
)
def test_no_value_can_stop_a_run(condition: str) -> None:
    """An error would stop it, and its message would hold the value."""
    record = "('', 9999999999, 2, 1999, ['A']), ('ABC', 1, 1, 1999, NULL), (NULL, NULL, NULL, NULL, [])"
    names = "(given, nhs, gender, birth_year, other_givens)"
    types = "given, CAST(nhs AS BIGINT) AS nhs, CAST(gender AS UTINYINT) AS gender, CAST(birth_year AS SMALLINT)"
    rows = f"(SELECT {types} AS birth_year, other_givens FROM (VALUES {record}) t{names})"
    with duckdb.connect() as connection:
        assert len(connection.execute(f"SELECT {canonical(condition)} FROM {rows} l, {rows} r").fetchall()) == 9


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(
                [
                    "l.given",
                    "r.given",
                    "=",
                    "(",
                    ")",
                    "AND",
                    "OR",
                    "NOT",
                    "'x'",
                    "1",
                    ",",
                    "lower",
                    "--",
                    "SELECT",
                    "END",
                ]
            ),
            max_size=12,
        ).map(" ".join),
    )
)
def test_any_text_is_refused_or_stable(text: str) -> None:
    try:
        once = canonical(text)
    except ConditionError:
        return
    assert canonical(once) == once


def test_every_other_name_means_something_allowed() -> None:
    assert {name for name in SYNONYMS.values() if name not in FUNCTIONS} == set()
    assert set(FUNCTIONS) >= TAKES_FUNCTION


def test_the_fields_are_those_of_the_record(store) -> None:  # type: ignore[no-untyped-def]
    connection = store([{"given_name": "Ann"}], [{"given_name": "Ann"}])
    clean(connection, ("clients", "register"))
    described = connection.execute("DESCRIBE clients_record").fetchall()
    made = {name: kind for name, kind, *_ in described if name not in ("id", "key", "source")}
    assert {field.name: field.type for field in FIELDS if not field.sql} == made
    selected = ", ".join(f"{field.of('x')} AS {field.name}" for field in FIELDS)
    given_types = connection.execute(f"DESCRIBE SELECT {selected} FROM clients_record x").fetchall()
    assert {name: kind for name, kind, *_ in given_types} == {field.name: field.type for field in FIELDS}
