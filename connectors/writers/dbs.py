"""Demographics Batch Service requests: a fixed-width header and trailer around a body of 27 fields, fixed or CSV.

Positions as three public implementations agree on them; none is the official text. Dates are yyyyMMdd.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.writers import lines
from connectors.writers.plain import Written, prepare
from connectors.writers.trace_request import check_references
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import duckdb

FIELDS: tuple[tuple[str, int], ...] = (
    *(("recordType", 2), ("localPatientIdentifier", 20), ("dateOfBirth", 8), ("dateOfDeath", 8), ("oldNhsNumber", 17)),
    *(("nhsNumber", 10), ("familyName", 35), ("previousAlternativeSurname", 35), ("givenName", 35)),
    *(("previousAlternativeGivenName", 35), ("administrativeGender", 1)),
    *((f"addressLine{n}", 35) for n in range(1, 6)),
    ("postCode", 8),
    *((f"previousAddressLine{n}", 35) for n in range(1, 6)),
    *(("previousPostCode", 8), ("registeredGp", 8), ("registeredGpPractice", 6)),
    *(("previousRegisteredGp", 8), ("previousRegisteredGpPractice", 6)),
)
"""Every field of a request in order, with its length when the body is fixed width: 600 characters together."""

LENGTHS = {
    "family_name": 35,
    "previous_family_name": 35,
    "given_name": 35,
    "gender": 1,
    "postcode": 8,
    "gp_practice_code": 6,
}
_FILLED = {
    "recordType": "'10'",
    "localPatientIdentifier": "reference",
    "dateOfBirth": "strftime(birth_date, '%Y%m%d')",
    "dateOfDeath": "strftime(death_date, '%Y%m%d')",
    "nhsNumber": "nhs_number",
    "familyName": "family_name",
    "previousAlternativeSurname": "previous_family_name",
    "givenName": "given_name",
    "administrativeGender": "gender",
    "postCode": "postcode",
    "registeredGpPractice": "gp_practice_code",
}
MOST_RECORDS = 999_999
"""The header has six digits for the count."""


@dataclass(frozen=True)
class Envelope:
    """What header and trailer say; `tracing_service` is published nowhere, so it is empty unless you were given it."""

    organisation: str
    """ODS code of the organisation that asks."""
    prepared: datetime
    sequence: int = 1
    """1 to 99999999; one more for every file sent."""
    tracing_service: str = ""
    version: str = "201"
    """001: practice and address are not returned; 101, 201: both are."""
    as_csv: bool = False

    def __post_init__(self) -> None:
        texts = (self.organisation, self.tracing_service)
        if not self.organisation or any(len(text) > 14 or not text.isascii() for text in texts):
            raise SettingsError("a DBS file needs the ODS code of your organisation, of at most 14 plain characters")
        if not 1 <= self.sequence <= 99_999_999:
            raise SettingsError("the sequence number of a DBS file is from 1 to 99999999")
        if self.version not in ("001", "101", "201"):
            raise SettingsError("the version of a DBS file is 001, 101 or 201")

    def header(self, records: int) -> str:
        """The first line, 63 characters."""
        return f"000{self.version}{int(self.as_csv)}{self._rest(records)}"

    def trailer(self, records: int) -> str:
        """The last line, 62 characters: it lacks the file format."""
        return f"990{self.version}{self._rest(records)}"

    def _rest(self, records: int) -> str:
        who = f"{self.organisation:<14}{self.tracing_service:<14}"
        return f"{who}{self.prepared:%Y%m%d%H%M%S}{self.sequence:08d}{records:06d}"


def write_dbs(connection: duckdb.DuckDBPyConnection, query: str, path: Path, envelope: Envelope) -> Written:
    """Write a DBS request of the rows of `query` (trace_request.REQUEST_COLUMNS), in order of reference."""
    check_references(connection, query)
    written = prepare(connection, query, LENGTHS, table="dbs_rows", order="reference")
    if written.rows > MOST_RECORDS:
        raise SettingsError(f"a DBS file holds at most {MOST_RECORDS:,} records; make the files smaller")
    cells = [(_FILLED.get(name, "''"), length) for name, length in FIELDS]
    line = lines.csv_line([cell for cell, _ in cells]) if envelope.as_csv else lines.fixed_line(cells)
    lines.write(
        connection,
        f"SELECT {line} FROM dbs_rows ORDER BY reference",
        path,
        first=(envelope.header(written.rows),),
        last=(envelope.trailer(written.rows),),
    )
    return written
