"""Decisions against known truth: one client of every kind, counted by hand."""

from __future__ import annotations

import duckdb
import pytest

from linkage.evaluate import calibration, counts, expect, judge, thresholds
from linkage.evaluate.judge import blocking_recall, errors
from schemas import CANDIDATE, LINK, PERSON

GUARD = "the given name is a different one"
CLOSE = "the evidence is not strong enough to link"

# id, decision, probability, number of the best candidate, reason, method, true number, in the register
CLIENTS = [
    ("right", "link", 0.999, "9000000101", None, "number and date", "9000000101", True),
    ("sister", "link", 0.97, "9000000102", None, "probabilistic", "9000000103", True),
    ("namesake", "link", 0.98, "9000000104", None, "probabilistic", "9000000105", True),
    ("stranger", "link", 0.96, "9000000106", None, "probabilistic", "9000000107", True),
    ("absent", "link", 0.99, "9000000108", None, "probabilistic", "9000000199", False),
    ("guarded", "review", 0.99, "9000000109", GUARD, "probabilistic", "9000000109", True),
    ("doubtful", "review", 0.60, "9000000110", CLOSE, "probabilistic", "9000000110", True),
    ("outdone", "review", 0.60, "9000000111", CLOSE, "probabilistic", "9000000112", True),
    ("unseen", "none", 0.05, "9000000113", "no candidate is likely enough", "probabilistic", "9000000114", True),
    ("alone", "none", None, None, "no register record shares enough to be a candidate", None, "9000000115", True),
    ("rightly none", "none", 0.02, "9000000113", "no candidate is likely enough", "probabilistic", None, False),
    ("by a person", "link", 0.55, "9000000116", None, "review", "9000000116", True),
]
# number, given name, family name, first line, postcode
REGISTER = [
    ("9000000102", "Doreen", "Hill", "14 High Street", "BR1 3AA"),
    ("9000000103", "Mary", "Hill", "14 High Street", "BR1 3AA"),
    ("9000000104", "Ann", "Khan", "1 Low Road", "BR2 1AA"),
    ("9000000105", "Ann", "Khan", "9 Up Lane", "BR3 1AA"),
    ("9000000106", "Peter", "Wood", "2 Low Road", "BR2 1AA"),
    ("9000000107", "Petra", "Ward", "3 Far Road", "BR9 1AA"),
    *((f"9000000{n}", "Some", f"Body{n}", f"{n} Road", "BR5 1AA") for n in (101, *range(108, 117))),
]


@pytest.fixture
def judged() -> duckdb.DuckDBPyConnection:
    with duckdb.connect() as connection:
        connection.execute(LINK.ddl("link"))
        connection.execute(CANDIDATE.ddl("candidate"))
        for side in ("clients", "register"):
            connection.execute(f"CREATE SCHEMA {side}")
            connection.execute(PERSON.ddl(f"{side}.person"))
        connection.execute("""CREATE TABLE truth (source VARCHAR, source_org VARCHAR, record_id VARCHAR,
            nhs_number VARCHAR, register_record_id VARCHAR, in_register BOOLEAN)""")
        for name, decision, probability, number, reason, method, true, there in CLIENTS:
            key = ("s", "o", name)
            connection.execute("INSERT INTO clients.person BY NAME SELECT ? source, ? source_org, ? record_id", key)
            connection.execute(
                """INSERT INTO link BY NAME SELECT ? source, ? source_org, ? record_id, ? decision, ? nhs_number,
                ? candidate_nhs_number, ? register_record_id, ? probability, ? reason, ? method""",
                (*key, decision, number if decision == "link" else None, number, number, probability, reason, method),
            )
            connection.execute("INSERT INTO truth VALUES (?, ?, ?, ?, NULL, ?)", (*key, true, there))
            # "outdone" has its true person as its second candidate.
            seconds = [("9000000112", 0.3)] if name == "outdone" else []
            for rank, (each, share) in enumerate([(number, probability), *seconds], 1):
                if each:
                    connection.execute(
                        """INSERT INTO candidate BY NAME SELECT ? source, ? source_org, ? record_id, ? rank,
                        ? nhs_number, ? register_record_id, ? probability""",
                        (*key, rank, each, each, share),
                    )
        for number, given, family, line, unit in REGISTER:
            connection.execute(
                """INSERT INTO register.person BY NAME SELECT 'gp' source, 'p' source_org, ? record_id, ? nhs_number,
                ? given_name, ? family_name, ? address_line_1, ? postcode""",
                (number, number, given, family, line, unit),
            )
        judge(connection)
        yield connection


def test_counts(judged: duckdb.DuckDBPyConnection) -> None:
    found = counts(judged)
    assert (found.links, found.right, found.findable) == (6, 2, 10)
    assert (found.precision.part, found.precision.whole) == (2, 6)
    assert (found.recall.part, found.recall.whole) == (2, 10)


def test_errors_by_kind(judged: duckdb.DuckDBPyConnection) -> None:
    rows = judged.execute("SELECT record_id, error, kind FROM judged").fetchall()
    assert {name: (error, kind) for name, error, kind in rows} == {
        "right": (None, None),
        "by a person": (None, None),
        "rightly none": (None, None),
        "sister": ("wrong link", "a member of the household"),
        "namesake": ("wrong link", "a namesake elsewhere"),
        "stranger": ("wrong link", "somebody else"),
        "absent": ("wrong link", "the client is not in the register"),
        "guarded": ("missed", f"held back: {GUARD}"),
        "doubtful": ("missed", f"for review: {CLOSE}"),
        "outdone": ("missed", "another candidate was likelier"),
        "unseen": ("missed", "not among the candidates kept"),
        "alone": ("missed", "no candidate at all"),
    }
    assert sum(n for _, _, n in errors(judged)) == 9


def test_blocking_recall_is_of_the_candidates_kept(judged: duckdb.DuckDBPyConnection) -> None:
    recall = blocking_recall(judged)
    # right, guarded, doubtful, outdone, by a person; the wrong links' true people were no candidates.
    assert (recall.part, recall.whole) == (5, 10)


def test_other_thresholds_move_probabilities_and_nothing_else(judged: duckdb.DuckDBPyConnection) -> None:
    ladder = {each.link_at: each for each in thresholds(judged, link_at=0.955, review_at=0.5)}
    assert [at for at, each in ladder.items() if each.chosen] == [0.955]
    assert ladder[0.955].counts == counts(judged)
    # From 0.5 on "doubtful" and "outdone" are linked too, but no guarded client.
    assert (ladder[0.5].counts.links, ladder[0.5].counts.right) == (8, 3)
    # From 0.98 on only "right", "namesake" and "absent" are, and the one that a person decided.
    assert (ladder[0.98].counts.links, ladder[0.98].counts.right) == (4, 2)
    assert min(ladder) == 0.5  # below the review band nobody knows what guards would hold back


def test_calibration(judged: duckdb.DuckDBPyConnection) -> None:
    table = calibration(judged)
    bins = {each.low: each for each in table.bins}
    # 0.97, 0.98, 0.96: all wrong; the links at 0.99 and the guarded client fall into the next bin.
    assert (bins[0.95].observed.part, bins[0.95].observed.whole) == (0, 3)
    assert bins[0.95].expected == pytest.approx(0.97)
    assert bins[0.95].verdict == "too bold"
    assert (bins[0.99].observed.part, bins[0.99].observed.whole) == (1, 2)
    assert (bins[0.99].links.part, bins[0.99].links.whole) == (0, 1)
    # Decided by a person: not the model's word.
    assert sum(each.observed.whole for each in table.bins) == 10
    squares = [0.001**2, 0.97**2, 0.98**2, 0.96**2, 0.99**2, 0.01**2, 0.4**2, 0.6**2, 0.05**2, 0.02**2]
    assert table.brier == pytest.approx(sum(squares) / 10)
    apart = [(0.035, 0, 2), (0.6, 0.5, 2), (0.97, 0, 3), (0.99, 0.5, 2), (0.999, 1, 1)]
    assert table.error == pytest.approx(sum(n * abs(p - share) for p, share, n in apart) / 10)


def test_a_register_row_stands_for_its_person(judged: duckdb.DuckDBPyConnection) -> None:
    # Known by the other row of a person registered twice, and by the row alone where nobody has a number.
    judged.execute("UPDATE truth SET nhs_number = NULL, register_record_id = 'second row' WHERE record_id = 'right'")
    judged.execute("""INSERT INTO register.person BY NAME
        SELECT 'gp' source, 'q' source_org, 'second row' record_id, '9000000101' nhs_number""")
    judged.execute("""UPDATE truth SET nhs_number = NULL, register_record_id = 'no number', in_register = NULL
        WHERE record_id = 'doubtful'""")
    judged.execute("""UPDATE link SET candidate_nhs_number = NULL, register_record_id = 'no number'
        WHERE record_id = 'doubtful'""")
    judged.execute("""INSERT INTO register.person BY NAME
        SELECT 'gp' source, 'q' source_org, 'no number' record_id""")
    judge(judged)
    rows = judged.execute('SELECT record_id, best_right, findable FROM judged WHERE "right" OR best_right').fetchall()
    assert {("right", True, True), ("doubtful", True, True)} <= set(rows)


def test_what_the_model_expects(judged: duckdb.DuckDBPyConnection) -> None:
    found = expect(judged)
    assert found is not None
    # Decided by a person counts as sure.
    right = 0.999 + 0.97 + 0.98 + 0.96 + 0.99 + 1
    assert found.links == 6
    assert found.wrong == pytest.approx(6 - right)
    assert found.precision.value == pytest.approx(right / 6)
    missed = 0.99 + 0.6 + 0.9 + 0.05 + 0.02  # "outdone" has two candidates
    assert found.recall.value == pytest.approx(right / (right + missed))


def test_without_links_nothing_is_expected(judged: duckdb.DuckDBPyConnection) -> None:
    judged.execute("UPDATE link SET decision = 'none'")
    assert expect(judged) is None
