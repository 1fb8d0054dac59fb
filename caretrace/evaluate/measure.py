"""What there is to say about the links in a store, as plain JSON: with truth, and without.

In: a connection with `link`, `candidate`, `clients.person` and `register.person`. Out: the `evaluation` and `estimates`
of a manifest and of evaluation.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace import truth
from caretrace.groups import GROUPINGS, Parted, by_group, make_groups
from linkage import evaluate as statistics
from linkage.evaluate import Captured, Share, standardised_difference
from linkage.evaluate.judge import blocking_recall, errors

if TYPE_CHECKING:
    import duckdb


def against_truth(
    connection: duckdb.DuckDBPyConnection, path: Path, *, bands: Mapping[str, float], as_at: date
) -> dict[str, Any]:
    """Everything that can be counted where it is known who is who; leaves table `judged` behind.

    Raises InputError where the truth file cannot be used.
    """
    facts = truth.load(connection, path)
    truth.refuse_unclear(connection, path)
    statistics.judge(connection)
    make_groups(connection, as_at=as_at)
    link_at, review_at = bands["link_at"], bands["review_at"]
    return {
        "truth": facts.to_json(),
        **statistics.counts(connection).to_json(),
        "in_register": Share(_findable(connection), facts.clients).to_json(),
        "blocking_recall": blocking_recall(connection).to_json(),
        "thresholds": [
            each.to_json() for each in statistics.thresholds(connection, link_at=link_at, review_at=review_at)
        ],
        "calibration": statistics.calibration(connection).to_json(),
        "errors": [{"error": error, "kind": kind, "clients": n} for error, kind, n in errors(connection)],
        "groups": list(_by_group(connection)),
    }


def _findable(connection: duckdb.DuckDBPyConnection) -> int:
    ((findable,),) = connection.execute("SELECT count(*) FILTER (findable) FROM judged").fetchall()
    return int(findable)


def _by_group(connection: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    counts = 'count(*), count(*) FILTER (linked), count(*) FILTER ("right"), count(*) FILTER (findable)'
    for column, groups in by_group(connection, "judged", counts):
        for group in groups:
            clients, links, right, findable = group.counts
            yield {
                "grouping": GROUPINGS[column],
                "group": group.name,
                "clients": clients,
                "precision": Share(right, links).to_json(),
                "recall": Share(right, findable).to_json(),
            }


def without_truth(
    connection: duckdb.DuckDBPyConnection, linkage: Mapping[str, Any], parted: Iterable[Parted]
) -> dict[str, Any]:
    """What the run tells of itself: the model's expectation, what blocking may have missed, who is not linked.

    `linkage` is the manifest's part of that name, `parted` what `caretrace.groups.linked_by_group` found. What was not
    recorded, or cannot be told, is null.
    """
    captured = linkage.get("capture")
    return {
        "expected": linkage["expected"] if "expected" in linkage else expected(connection),
        "blocking": captured_json(Captured.from_json(captured)) if captured else None,
        "compared": list(_linked_against_not(connection, parted)),
    }


def expected(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """Precision and recall as the model expects them of its links; None where there is none."""
    found = statistics.expect(connection)
    return found.to_json() if found else None


def captured_json(captured: Captured) -> dict[str, Any]:
    """The counts with the two estimates that are reported."""
    recall, without = captured.recall, captured.without_number
    return {
        **captured.to_json(),
        "recall_at_most": recall.to_json() if recall else None,
        "without_number": without.to_json() if without else None,
    }


def _linked_against_not(connection: duckdb.DuckDBPyConnection, parted: Iterable[Parted]) -> Iterator[dict[str, Any]]:
    """Each group's share of the linked and of the not linked, and how far apart they are."""
    ((linked_all, all_of_them),) = connection.execute(
        "SELECT count(*) FILTER (decision = 'link'), count(*) FROM link"
    ).fetchall()
    if not 0 < linked_all < all_of_them:
        return  # nobody to compare with
    for grouping in parted:
        for group in grouping.groups:
            clients, linked = group.counts
            share, other = linked / linked_all, (clients - linked) / (all_of_them - linked_all)
            yield {
                "grouping": grouping.name,
                "group": group.name,
                "linked": linked,
                "not_linked": clients - linked,
                "share_of_linked": round(share, 6),
                "share_of_not_linked": round(other, 6),
                "standardised_difference": round(standardised_difference(share, other), 4),
            }
