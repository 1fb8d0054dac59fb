"""Our own format: files and tables whose columns are those of the standard tables.

A file is PERSON unless it is named after another standard table (`address.csv`, `service.parquet`).
"""

from __future__ import annotations

from connectors import values
from connectors.supplier import Fill, Kind, Repeats, Rule, Supplier
from connectors.values import Value
from schemas import PERSON, SOURCE_TABLES
from schemas.dates import Form
from schemas.table import Column, Table, Type

_OURS = ("extract_file", "extract_record", "extract_line", "source", "source_org", "record_id")
_READ = tuple(table for table in SOURCE_TABLES if table.name not in ("SET_ASIDE", "DATA_QUALITY"))

_PRECISION = "CASE WHEN upper(r.birth_date_precision) IN ('Y', 'YM', 'YMD') THEN upper(r.birth_date_precision) END"

# Reports end in a line that says how many there were, padded to the width of the others: the words stand where ids do.
_TOTAL = "((grand|sub)[ -]?)?totals?|sum|(record |row )?count|records|rows|end of (report|file|list)"
_IS_TOTAL = (
    f"regexp_full_match(lower(r.record_id), '[(]?[0-9, ]*({_TOTAL})( affected)?[:=]?[0-9, ]*[)]?')"
    " AND r.birth_date IS NULL AND nhs_number(r.nhs_number) IS NULL"
    " AND NOT regexp_matches(concat(r.family_name, r.given_name), '\\pL')"
)


_STATUS = "record_status"
"""Not a column of the tables: what a record of changes says of itself. Blank is `current`."""
_IS_DELETED = f"coalesce(lower(trim(r.{_STATUS})) = 'deleted', false)"
_IS_UNKNOWN = f"coalesce(lower(trim(r.{_STATUS})) NOT IN ('', 'current', 'deleted'), false)"
_STATUS_RULES = (
    Rule("marked as deleted", _IS_DELETED, (_STATUS,)),
    # Taken for current it might bring somebody back, taken for deleted it might take somebody away.
    Rule("neither current nor deleted", _IS_UNKNOWN, (_STATUS,)),
)


_NOBODY = (
    Rule("a line of totals under the records, and nobody's", _IS_TOTAL, ("record_id",)),
    Rule("marked as a test record", values.is_true("r.test_record"), ("test_record",)),
)


def _value(column: Column) -> Value:
    """How a column is read: by what it is where it is one of a kind, else by its type."""
    x = f'r."{column.name}"'
    special = {
        "nhs_number": values.nhs_number,
        "gender": values.gender,
        "ethnicity": values.ethnicity,
        "postcode": values.postcode,
    }
    if column.name in special:
        return special[column.name](x)
    if column.codes is not None:
        return values.code(x, column.codes)
    return {
        Type.TEXT: values.text,
        Type.DATE: lambda x: values.day(x, Form.ISO),
        Type.FLAG: values.flag,
        Type.INTEGER: values.whole_number,
        Type.REAL: values.number,
    }[column.type](x)


def _kind(table: Table) -> Kind:
    is_person = table is PERSON
    can_go = is_person or "event_id" in table
    fields = [name for name in table.names if name not in _OURS[:3]]
    columns = {c.name: _value(c) for c in table.columns if c.name not in _OURS}
    if is_person:
        columns |= values.birth_date("r.birth_date", Form.ISO, precision=_PRECISION)
    return Kind(
        name=table.name.lower(),
        columns={name: (name,) for name in (*fields, *([_STATUS] if can_go else []))},
        required=("record_id",),
        fills=(Fill(table, columns),),
        source="r.source",
        source_org="r.source_org",
        record_id="r.record_id",
        key_columns=("record_id",),
        any_of=("nhs_number", "family_name", "given_name", "birth_date") if is_person else (),
        file_name=None if is_person else table.name.lower(),
        repeats=Repeats.FIRST if is_person else Repeats.EVENTS,
        exclude=(*(_STATUS_RULES if can_go else ()), *(_NOBODY if is_person else ())),
        gone=_IS_DELETED if can_go else None,
        gone_field=_STATUS if can_go else None,
        gone_part="NULL" if is_person or not can_go else f"concat('{table.name} ', coalesce(trim(r.event_id), ''))",
        dependant=not is_person,
    )


STANDARD = Supplier(name="standard", kinds=tuple(_kind(table) for table in _READ), exact_titles=True)
