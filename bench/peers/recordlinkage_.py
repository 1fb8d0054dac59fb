"""Links two lists with the Python Record Linkage Toolkit, as its documentation does. Better settings are welcome.

    python bench/peers/recordlinkage_.py FOLDER OUT [--number] [--febrl4] [--both-unique]

In and out as for splink5.py. Several blocking indexes joined; Jaro-Winkler on names, equality elsewhere; the ECM
classifier, which needs no labels, on the similarities cut at 0.85. It calls a pair a match at a probability of 0.5.
Its one-to-one linking keeps the first link it sees, so the links go in by summed similarity: the classifier may weigh a
name against a match where relatives abound, and the most probable pair is then not the most similar one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import people
import recordlinkage
from recordlinkage.index import Block

LEAST, MATCH = 0.001, 0.5
SAME = 0.85

# The blocking of splink5.py but for the postcode with the family name: with all those relatives among the candidates
# the classifier takes "same household" for "same person". Of twelve settings tried this did best over four lists.
PEOPLE_RULES = (
    ("surname", "dob"),
    ("given_name", "dob"),
    ("dob", "district"),
    ("postcode", "given_name"),
    ("postcode", "birth_year"),
    ("given_name", "surname", "birth_year"),
    ("given_name", "surname", "district"),
)
FEBRL4_RULES = (
    ("given_name", "surname"),
    ("dob",),
    ("state", "address_1"),
    ("street_number", "address_1"),
    ("postcode",),
)
PEOPLE_EQUAL = ("birth_year", "birth_month", "birth_day", "postcode", "gender")
FEBRL4_EQUAL = ("dob", "suburb", "postcode", "state")


def candidates(left: pd.DataFrame, right: pd.DataFrame, rules: tuple[tuple[str, ...], ...]) -> pd.MultiIndex:
    """Pairs that agree on one of the rules."""
    indexer: Any = recordlinkage.Index()
    for columns in rules:
        indexer.add(Block(list(columns)))
    pairs: pd.MultiIndex = indexer.index(left, right)
    return pairs


def compare(
    pairs: pd.MultiIndex, left: pd.DataFrame, right: pd.DataFrame, alike: tuple[str, ...], equal: tuple[str, ...]
) -> pd.DataFrame:
    """Similarities between 0 and 1; a null is like nothing."""
    comparer: Any = recordlinkage.Compare()
    for column in alike:
        comparer.string(column, column, method="jarowinkler", label=column)
    for column in equal:
        comparer.exact(column, column, label=column)
    similarities: pd.DataFrame = comparer.compute(pairs, left, right)
    return similarities


def frames(options: argparse.Namespace) -> list[pd.DataFrame]:
    """Both lists, indexed by record_id."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    result = []
    for side in ("clients", "register"):
        file = options.folder / f"{side}.parquet"
        if options.febrl4:
            identifiers = options.folder / side / "identifier.parquet" if options.number else None
            people.load_febrl4(connection, side, file, identifiers)
            query = f"FROM {side}"
        else:
            people.load(connection, side, file)
            months = "nullif(substr(dob, 6, 2), '') AS birth_month, nullif(substr(dob, 9, 2), '') AS birth_day"
            query = f"SELECT *, {months} FROM {side}"
        result.append(connection.sql(query).df().set_index("unique_id"))
    connection.close()
    return result


def main(arguments: list[str]) -> None:
    """Read, block, compare, classify, take the best links, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--number", action="store_true", help="use the NHS number, or FEBRL's social security number")
    parser.add_argument("--febrl4", action="store_true")
    parser.add_argument("--both-unique", action="store_true", help="neither list holds anybody twice")
    options = parser.parse_args(arguments)

    left, right = frames(options)
    rules: tuple[tuple[str, ...], ...] = FEBRL4_RULES if options.febrl4 else PEOPLE_RULES
    equal: tuple[str, ...] = FEBRL4_EQUAL if options.febrl4 else PEOPLE_EQUAL
    alike: tuple[str, ...] = ("given_name", "surname", "address_1") if options.febrl4 else ("given_name", "surname")
    if options.number:
        number = "soc_sec_id" if options.febrl4 else "nhs_number"
        rules, equal = (*rules, (number,)), (*equal, number)
    features = compare(candidates(left, right, rules), left, right, alike, equal)
    classifier: Any = recordlinkage.ECMClassifier(binarize=SAME)
    classifier.fit(features)
    found = pd.DataFrame({"probability": classifier.prob(features), "similarity": features.sum(axis=1)})
    found = found[found.probability >= LEAST]
    found = found.assign(match=found.probability >= MATCH)
    found = found.sort_values(["match", "similarity"], ascending=False, kind="stable")
    unique = options.both_unique or options.febrl4
    linking = recordlinkage.OneToOneLinking() if unique else recordlinkage.OneToManyLinking(level=0)
    links = found.loc[linking.compute(found.index)].reset_index()
    links.columns = ["client_id", "register_id", *links.columns[2:]]
    options.out.mkdir(parents=True, exist_ok=True)
    links[["client_id", "register_id", "probability"]].to_parquet(options.out / "links.parquet")


if __name__ == "__main__":
    main(sys.argv[1:])
