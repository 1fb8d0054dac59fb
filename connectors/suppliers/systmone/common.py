"""What the files of a SystmOne extract share: ids, dates, and records that are taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors import values
from connectors.supplier import Fill, Kind, Repeats, Row, Rule
from connectors.values import Value
from schemas.dates import Form

FORMS = (Form.MONTH_NAME, Form.ISO)
REMOVED = values.is_true("r.RemovedData")
LAYOUTS = (
    ("89, 90 or 93", ("IDOrganisationRegisteredAt", "RemovedData")),
    ("88, 91 or 92", ("IDOrganisationRegisteredAt",)),
    ("87 or older", ()),
)
# A removal may name nothing but the row: then it holds for every organisation of its feed.
ROW = Row(
    ("RowIdentifier",), "IDOrganisationVisibleTo", removed=REMOVED, because="removed by another record (RemovedData)"
)
IS_REMOVED = Rule("removed (RemovedData)", REMOVED, ("RemovedData",))


def titles(names: str) -> dict[str, tuple[str, ...]]:
    """Fields by their titles, parted by spaces, with those that every table has."""
    return {name: (name,) for name in ["RowIdentifier", "IDOrganisationVisibleTo", *names.split(), "RemovedData"]}


def day(x: str) -> Value:
    """A date, whose time of day is left out."""
    return values.day(x, *FORMS)


def of_a_patient(
    name: str,
    columns: str,
    required: tuple[str, ...],
    fills: tuple[Fill, ...],
    exclude: tuple[Rule, ...] = (),
    **more: Any,
) -> Kind:
    """A table whose rows hang on a patient; rows are re-sent as they change, and the last with its row id holds."""
    return Kind(
        name=name,
        columns=titles(f"{columns} IDPatient"),
        required=("RowIdentifier", "IDPatient", *required),
        record_id="r.IDPatient",
        source_org="r.IDOrganisationVisibleTo",
        key_columns=("RowIdentifier",),
        row=replace(ROW, person="IDPatient"),
        repeats=Repeats.LATEST,
        repeat_key=("source_org", "RowIdentifier"),
        exclude=(IS_REMOVED, Rule("no IDPatient", "r.IDPatient IS NULL", ("IDPatient",)), *exclude),
        dependant=True,
        fills=fills,
        **{"versions": LAYOUTS, **more},
    )
