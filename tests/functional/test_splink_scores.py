"""The same pairs scored by Splink itself and by our SQL: within a millionth of a bit, comparison by comparison."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from caretrace import pipeline, synthetic, working_store
from caretrace.api import as_source
from caretrace.run_settings import RunSettings
from linkage.clean import clean
from linkage.default import default_model
from linkage.frequencies import Frequencies, count_frequencies
from linkage.model import FLOOR, Model
from linkage.splink.exports import export_settings
from linkage.splink.imports import import_settings
from linkage.splink.records import records_sql
from linkage.weigh import evidence_sql, household_bits_sql, pair_level_sql, weight_sql
from schemas.errors import SettingsError

splink = pytest.importorskip("splink", reason="Splink is not installed")
TOLERANCE = 1e-6
SAVED = Path(__file__).parent.parent / "unit" / "linkage" / "splink_models"
SIDES = ("clients", "register")
KEY = "concat_ws('|', {0}.source, {0}.source_org, {0}.record_id)"


@dataclass(frozen=True)
class Lists:
    """Two cleaned lists of synthetic people, and every pair of them."""

    store: duckdb.DuckDBPyConnection
    frequencies: Frequencies

    def ours(self, model: Model) -> pa.Table:
        """Every pair's evidence by comparison (e0, e1, ...), the weight without households, and with."""
        comparisons = [each.comparison for each in model.comparisons]
        self.store.execute(
            f"CREATE OR REPLACE TEMP TABLE pair_level AS {pair_level_sql(comparisons, self.frequencies, 'pair')}"
        )
        evidence = ", ".join(f"{evidence_sql([each])} AS e{place}" for place, each in enumerate(model.comparisons))
        weight = weight_sql(model, self.frequencies.people)
        return self.store.sql(f"""
            SELECT {KEY.format("a")} AS client, {KEY.format("b")} AS patient, {evidence},
                   {weight} - {household_bits_sql(model, self.frequencies.people)} AS alone, {weight} AS weight
            FROM pair_level JOIN clients.person a ON a.rowid = c JOIN register.person b ON b.rowid = r
            """).to_arrow_table()

    def records(self, *, frequencies: bool) -> list[pa.Table]:
        counted = self.frequencies if frequencies else None
        return [self.store.sql(records_sql(side, counted)).to_arrow_table() for side in ("clients", "register")]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lists]:
    folder = tmp_path_factory.mktemp("splink")
    synthetic.write(synthetic.make(60, 600, seed=3), folder, "standard-csv")
    settings = RunSettings(as_at=date(2026, 11, 22), threads=2)
    with working_store.opened(folder / "work", settings) as store:
        sources = {"clients": [as_source(folder / "clients")], "register": [as_source(folder / "register.csv")]}
        pipeline.read(store, sources, settings)
        clean(store, SIDES)
        frequencies = count_frequencies(store)
        store.execute("""
            CREATE TABLE pair AS
            SELECT l.id AS c, r.id AS r, true AS first FROM clients_record l, register_record r""")
        yield Lists(store, frequencies)


def without_frequencies(model: Model) -> Model:
    def plain(weights: Any) -> Any:
        levels = tuple(replace(level, frequency=None, at_least=None) for level in weights.comparison.levels)
        return replace(weights, comparison=replace(weights.comparison, levels=levels))

    return replace(model, comparisons=tuple(plain(each) for each in model.comparisons))


def in_splink(records: list[pa.Table], settings: dict[str, Any]) -> pa.Table:
    """Every pair of the two tables as Splink scores it."""
    from splink import DuckDBAPI
    from splink.internals.realtime import compare_records

    logging.getLogger("splink").setLevel(logging.ERROR)
    return compare_records(*records, settings, DuckDBAPI()).as_duckdbpyrelation().to_arrow_table()


def furthest_apart(ours: pa.Table, theirs: pa.Table, columns: dict[str, str], where: str = "true") -> dict[str, Any]:
    """For each of our columns the largest difference from Splink's, and how many different values there are."""
    connection = duckdb.connect()
    connection.register("ours", ours)
    connection.register("theirs", theirs)
    differences = ", ".join(
        f"max(abs({mine} - ({other}))) AS d{place}, count(DISTINCT round({mine}, 6)) AS n{place}"
        for place, (mine, other) in enumerate(columns.items())
    )
    found = connection.execute(f"""
        SELECT count(*) AS pairs, {differences}
        FROM ours JOIN theirs ON client = unique_id_l AND patient = unique_id_r WHERE {where}""").fetchall()[0]
    assert found[0] > 0
    return dict(zip(["pairs", *(f"{x}{n}" for n in range(len(columns)) for x in "dn")], found, strict=True))


def splink_columns(model: Model, table: pa.Table) -> dict[str, str]:
    columns = {}
    for place, weights in enumerate(model.comparisons):
        name = weights.comparison.name.replace(" ", "_")
        adjusted = f"mw_tf_adj_{name}"
        columns[f"e{place}"] = f"mw_{name} + {adjusted}" if adjusted in table.column_names else f"mw_{name}"
    return columns


@pytest.mark.parametrize("to", ["splink5", "splink4"])
def test_the_default_model_scores_the_same_in_splink(lists: Lists, to: Any) -> None:
    model = without_frequencies(default_model())
    exported = export_settings(model, to=to, people=lists.frequencies.people)
    ours = lists.ours(model)
    theirs = in_splink(lists.records(frequencies=False), exported.settings)
    apart = furthest_apart(ours, theirs, {**splink_columns(model, theirs), "alone": "match_weight"})
    assert apart["pairs"] == ours.num_rows
    places = range(len(model.comparisons) + 1)
    assert [place for place in places if apart[f"d{place}"] > TOLERANCE] == []
    # Not by all pairs reaching one level: names, dates and addresses reach several.
    several = {"given": 5, "middle": 3, "family": 5, "birth": 5, "place": 5}
    reached = {each.comparison.role: apart[f"n{place}"] for place, each in enumerate(model.comparisons)}
    assert all(reached[role] >= least for role, least in several.items()), reached


def test_term_frequencies_are_carried_over_with_the_records(lists: Lists) -> None:
    model = default_model()
    exported = export_settings(model, people=lists.frequencies.people)
    ours = lists.ours(model)
    theirs = in_splink(lists.records(frequencies=True), exported.settings)
    columns = {**splink_columns(model, theirs), "alone": "match_weight"}
    # What the export says it cannot carry over is what differs, and nothing else.
    lost = [each for each in model["family name"].comparison.levels if each.frequency == "other_family_u"]
    assert [note for note in exported.notes if note.startswith(f"family name, {lost[0].name}: its frequency cannot")]
    label = model["family name"].comparison.index(lost[0].name)
    reached = len(model["family name"].levels) - 1 - label
    apart = furthest_apart(ours, theirs, columns, f"gamma_family_name <> {reached}")
    assert [place for place in range(len(columns)) if apart[f"d{place}"] > TOLERANCE] == []
    assert apart["n0"] > 50, "given names weigh by their frequency"


def test_households_only_ever_take_away(lists: Lists) -> None:
    model = without_frequencies(default_model())
    exported = export_settings(model, people=lists.frequencies.people)
    theirs = in_splink(lists.records(frequencies=False), exported.settings)
    connection = duckdb.connect()
    connection.register("ours", lists.ours(model))
    connection.register("theirs", theirs)
    ((above, most),) = connection.execute(f"""
        SELECT count(*) FILTER (weight > match_weight + {TOLERANCE}), max(match_weight - weight)
        FROM ours JOIN theirs ON client = unique_id_l AND patient = unique_id_r""").fetchall()
    assert above == 0
    assert most > 0.01, "somebody's relative is among the pairs"


THEIR_COLUMNS = """
    unique_id, source_dataset, given AS first_name, family AS surname, CAST(birth_date AS VARCHAR) AS dob,
    unit AS postcode, CAST(gender AS VARCHAR) AS sex, nhs_number"""


@pytest.fixture(scope="module")
def trained(lists: Lists, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[pa.Table], Path]:
    """A model that Splink trained and saved, and the records it was trained on."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    tables = []
    for table in lists.records(frequencies=False):
        lists.store.register("of_side", table)
        tables.append(lists.store.sql(f"SELECT {THEIR_COLUMNS} FROM of_side").to_arrow_table())
        lists.store.unregister("of_side")
    api = DuckDBAPI()
    comparisons = [
        cl.NameComparison("first_name"),
        cl.ForenameSurnameComparison("first_name", "surname"),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.PostcodeComparison("postcode"),
        cl.ExactMatch("sex"),
    ]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on("dob"), block_on("surname", "first_name")],
        retain_intermediate_calculation_columns=True,
    )
    registered = [api.register(table, dataset_display_name=s) for s, table in zip(SIDES, tables, strict=True)]
    linker = Linker(registered, settings)
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("dob", "surname")], recall=0.8)
    training.estimate_u_using_random_sampling(max_pairs=1e5, seed=1)
    for rule in (block_on("dob"), block_on("surname", "first_name"), block_on("postcode")):
        training.estimate_parameters_using_expectation_maximisation(rule)
    path = tmp_path_factory.mktemp("saved") / "model.json"
    linker.misc.save_model_to_json(str(path))
    return tables, path


def test_a_model_that_splink_trained_scores_the_same_here(lists: Lists, trained: tuple[list[pa.Table], Path]) -> None:
    tables, path = trained
    facts = json.loads(path.read_text("utf-8"))
    people = lists.frequencies.people
    imported = import_settings(facts, accept_defaults=True, people=people, frequencies=False)
    # The two differences that the import names, made in Splink as well: no term frequencies, and no m or u so small
    # that no data could show it.
    for comparison in facts["comparisons"]:
        for level in comparison["comparison_levels"]:
            level.pop("tf_adjustment_column", None)
            for key in ("m_probability", "u_probability"):
                if key in level and level[key] < FLOOR:
                    assert any("no data can show" in note and f"{level[key]:.3g}" in note for note in imported.notes)
                    level[key] = FLOOR
    ours, theirs = lists.ours(imported.model), in_splink(tables, facts)
    names = [each["output_column_name"] for each in facts["comparisons"]]
    columns = {**{f"e{place}": f"mw_{name}" for place, name in enumerate(names)}, "weight": "match_weight"}
    apart = furthest_apart(ours, theirs, columns)
    assert [place for place in range(len(columns)) if apart[f"d{place}"] > TOLERANCE] == []
    assert apart["pairs"] == ours.num_rows
    assert apart[f"n{len(names)}"] > 50


@pytest.mark.parametrize("version", ["3", "4"])
def test_a_model_that_came_from_splink_goes_back_and_weighs_the_same(lists: Lists, version: str) -> None:
    facts = json.loads((SAVED / f"splink{version}.json").read_text("utf-8"))
    people = lists.frequencies.people
    model = import_settings(facts, accept_defaults=True, people=people, frequencies=False).model
    back = export_settings(model, people=people)
    ours, theirs = lists.ours(model), in_splink(lists.records(frequencies=False), back.settings)
    apart = furthest_apart(ours, theirs, {**splink_columns(model, theirs), "weight": "match_weight"})
    assert [place for place in range(len(model.comparisons) + 1) if apart[f"d{place}"] > TOLERANCE] == []
    assert apart[f"n{len(model.comparisons)}"] > 100
    prior = back.settings["probability_two_random_records_match"]
    assert prior == pytest.approx(facts["probability_two_random_records_match"], rel=1e-9)


def test_what_splink_leaves_out_when_it_saves_is_asked_about(trained: tuple[list[pa.Table], Path]) -> None:
    facts = json.loads(trained[1].read_text("utf-8"))
    levels = [
        level for each in facts["comparisons"] for level in each["comparison_levels"] if "is_null_level" not in level
    ]
    gaps = sum(key not in level for level in levels for key in ("m_probability", "u_probability"))
    assert gaps > 0, "training on so few people meets some levels never"
    with pytest.raises(SettingsError, match=rf"^{gaps} values? (is|are) missing.*--accept-defaults") as refused:
        import_settings(facts)
    assert str(refused.value).count("Splink would put") == gaps


def test_our_records_link_in_splink(lists: Lists) -> None:
    """Blocking rules, lists taken apart and term frequencies included: Splink's own predict finds the same people."""
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    model = default_model()
    exported = export_settings(model, people=lists.frequencies.people)
    api = DuckDBAPI()
    tables = zip(SIDES, lists.records(frequencies=True), strict=True)
    linker = Linker([api.register(table, dataset_display_name=side) for side, table in tables], exported.settings)
    theirs = linker.inference.predict(threshold_match_probability=0.999).as_duckdbpyrelation().to_arrow_table()
    connection = duckdb.connect()
    connection.register("ours", lists.ours(model))
    connection.register("theirs", theirs)
    ((sure, found),) = connection.execute("""
        SELECT count(*), count(unique_id_l)
        FROM ours LEFT JOIN theirs ON client = unique_id_l AND patient = unique_id_r WHERE weight > 12""").fetchall()
    assert sure > 40
    assert found == sure
