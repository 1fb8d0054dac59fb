"""The dbt sources file: YAML that says of every view what the catalog says."""

import pytest
import yaml

from caretrace.warehouse.publish.catalog import views
from caretrace.warehouse.publish.dbt import sources


@pytest.mark.parametrize("named", [{"analyst": "analyst"}, {"analyst": "a", "identifiable": "on"}])
def test_every_view_and_column_is_a_source(named: dict[str, str]) -> None:
    read = yaml.safe_load(sources(named, database="warehouse"))
    assert read["version"] == 2
    assert [(each["name"], each["schema"]) for each in read["sources"]] == [
        (f"caretrace_{ours}", theirs) for ours, theirs in named.items()
    ]
    for source, ours in zip(read["sources"], named, strict=True):
        found = {table["name"]: [column["name"] for column in table["columns"]] for table in source["tables"]}
        assert found == {view.name: [c.name for c in view.columns] for view in views() if view.schema == ours}
        described = [each["description"] for table in source["tables"] for each in (table, *table["columns"])]
        assert all(described)


def test_codes_and_keys_are_tested() -> None:
    [source] = yaml.safe_load(sources({"identifiable": "identifiable"}))["sources"]
    columns = {(table["name"], column["name"]): column for table in source["tables"] for column in table["columns"]}
    assert columns["run", "run"]["data_tests"] == ["unique", "not_null"]
    [codes] = columns["link_change", "change"]["data_tests"][1:]
    assert codes["accepted_values"]["arguments"]["values"][0] == "new link"
    assert columns["person", "nhs_number"]["meta"] == {"identifies": "direct"}
    assert "unique" not in columns["link_history", "record_id"].get("data_tests", [])
    assert "database" not in source


def test_our_words_stay_text() -> None:
    """A name or code such as `on` or `01` is no truth value and no number."""
    [source] = yaml.safe_load(sources({"analyst": "on"}, database="01"))["sources"]
    assert (source["schema"], source["database"]) == ("on", "01")
