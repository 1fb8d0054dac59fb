"""An EMIS search and report, read below what it says of itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from tests.spec.gp.reading import NUMBER, aside, load, table

_REPORT = """\
Patients aged 75 and over,,,,,,
"The Surgery, Bromley",,,,,,
Last run,"22-Nov-2026 10:00",,,,,
,,,,,,
Population count,2,,,,,
EMIS Number,NHS Number,Full Name,Date of Birth,Gender,Usual Address Postcode,Registration Date,Patient Type,Seen
101,943 476 5919,"SMITH, Zoë Ann (Ms)",01-Feb-1950,Female,BR1 1AA,02-Nov-2007,Regular,01-Jan-2020
,,,,,,,,02-Jan-2020
102,,"JONES, Bob",03-Mar-1940,Male,BR1 1AB,,,
"""


def test_an_emis_report_is_read_below_what_it_says_of_itself(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(_REPORT.replace("\n", "\r\n").encode("cp1252"))
    report = load(connection, path)
    assert [(file.format, file.records) for file in report.files] == [("emis_search", 3)]
    assert table(connection, "person", "record_id, nhs_number, family_name, given_name, middle_names, postcode") == [
        ("101", NUMBER, "SMITH", "Zoë", "Ann", "BR1 1AA"),
        ("102", None, "JONES", "Bob", None, "BR1 1AB"),
    ]
    assert table(connection, "registration", "record_id, registration_type, start_date") == [
        ("101", "Regular", date(2007, 11, 2))
    ]
    assert [rule for _, _, rule in aside(connection)] == ["no EMIS Number"]
