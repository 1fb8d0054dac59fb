"""Makes hospital extracts of a register for `bench/read.py`: a stream of ADT messages, and admitted patient care.

A quarter of the people have been to the hospital, with four messages or episodes each, so that there are as many
records as people in the register.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.writers.lines import csv_line, fixed_line

if TYPE_CHECKING:
    import duckdb

_BATCH = 50_000
_NUMBER, _BORN = "lpad(CAST(n AS VARCHAR), 7, '0')", "replace(rpad(birth_date, 10, '-01-01'), '-', '')"
_MONTH = "'2026' || lpad(CAST(1 + (n + event) % 9 AS VARCHAR), 2, '0')"
_DAY = f"({_MONTH} || lpad(CAST(1 + n % 28 AS VARCHAR), 2, '0'))"
_MINUTE = f"({_DAY} || lpad(CAST(event + 8 AS VARCHAR), 2, '0') || '3000')"
# Three hundred columns of codes and more stand in an extract of the Secondary Uses Service, and none of them is read.
_NOT_READ = tuple(f"Procedure {n}" for n in range(1, 351))


def hl7(store: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Registered, admitted, discharged and, one patient in ten, merged with another number; else moved house."""
    last = _if_merged("'A40'", "'A31'")
    event = f"CASE event WHEN 1 THEN 'A28' WHEN 2 THEN 'A01' WHEN 3 THEN 'A03' ELSE {last} END"
    own = f"'H' || {_NUMBER} || '^^^RYJ^MR'"
    home = "concat_ws('^', coalesce(address_line_1, ''), coalesce(address_line_2, ''), '', '', postcode, 'GBR', 'H')"
    pid = {
        3: f"{own} || coalesce('~' || nhs_number || '^^^NHS^NH', '')",
        5: "concat_ws('^', family_name, coalesce(given_name, ''), coalesce(middle_names, ''), '', '', '', 'L')",
        **{7: _BORN, 8: "CASE gender WHEN '1' THEN 'M' ELSE 'F' END", 11: home},
        **{13: "coalesce(phone, '') || '^PRN^PH'", 22: "ethnicity", 32: "'NSTS01'"},
    }
    visit = {
        **{2: "'I'", 3: "'W1^B2^^RYJ'", 4: "'21'", 19: f"'V' || {_NUMBER}", 36: "'1'", 37: "'19'"},
        **{44: _DAY, 45: f"CASE event WHEN 3 THEN {_DAY} END"},
    }
    merged, nothing = _segment("MRG", {1: f"'X' || {_NUMBER} || '^^^RYJ^MR'"}), "''"
    segments = (
        _segment("MSH", {1: "'^~\\&'", 2: "'PAS'", 3: "'RYJ'", 6: _MINUTE, 8: f"'ADT^' || {event}", 10: "'P'"}),
        _segment("EVN", {1: event, 2: _MINUTE}),
        _segment("PID", pid),
        f"CASE WHEN event IN (2, 3) THEN {_segment('PV1', visit)} ELSE '' END",
        f"CASE WHEN event = 4 THEN {_if_merged(merged, nothing)} ELSE '' END",
    )
    _write(store, path, f"chr(11) || {' || '.join(segments)} || chr(28) || chr(13)")


def sus(store: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Two spells of two episodes each, as the Secondary Uses Service gives them out."""
    from connectors.suppliers.sus import SUS

    columns = {title: _EPISODE.get(name, "''") for name, (title, *_) in _titled(SUS.kinds[0].columns)}
    line = csv_line([*columns.values(), *("''" for _ in _NOT_READ)])
    _write(store, path, f"{line} || chr(13) || chr(10)", ",".join((*columns, *_NOT_READ)) + "\r\n")


def cds(store: duckdb.DuckDBPyConnection, path: Path) -> None:
    """The same as lines of the Commissioning Data Set, sent in bulk."""
    from connectors.suppliers.cds import CDS

    cells, end = [("'CDS062'", 6)], 7
    for name, (begin, length) in sorted(CDS.kinds[0].positions.items(), key=lambda each: each[1]):
        cells += [("''", begin - end), (_EPISODE.get(name, "''"), length)]
        end = begin + length
    cells.append(("''", 2025 - end))
    _write(store, path, f"{fixed_line(cells)} || chr(13) || chr(10)")


_EPISODE = {
    **{"record_type": "'130'", "protocol": "'010'", "cds_id": f"'BRYJ' || {_NUMBER} || event", "update_type": "'9'"},
    **{"applicable": _MINUTE, "sender": "'RYJ'", "local_id": f"'H' || {_NUMBER}", "local_id_org": "'RYJ'"},
    **{"nhs_number": "nhs_number", "nhs_number_status": "CASE WHEN nhs_number IS NULL THEN '03' ELSE '01' END"},
    **{"birth_date": _BORN, "gender": "gender", "ethnicity": "ethnicity", "postcode": "postcode"},
    # Names stand only where no number is verified.
    "family_name": "CASE WHEN nhs_number IS NULL THEN family_name END",
    "given_name": "CASE WHEN nhs_number IS NULL THEN given_name END",
    **{"provider_code": "'RYJ00'", "spell_number": f"'S' || {_NUMBER} || (event // 3)", "admission_method": "'21'"},
    **{"spell_start": _DAY, "discharge_date": _DAY, "discharge_destination": "'19'", "discharge_method": "'1'"},
    **{"episode_number": "'0' || (1 + event % 2)", "last_episode": "CAST(1 + event % 2 AS VARCHAR)"},
    **{"episode_start": _DAY, "episode_end": _DAY, "activity_date": _DAY, "primary_diagnosis": "'J440'"},
    "practice": "gp_practice_code",
}
"""What an episode says, by the names of the fields."""


def _titled(columns: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, titles) for name, titles in columns.items() if titles]


def _if_merged(yes: str, no: str) -> str:
    return f"CASE WHEN n % 10 = 0 THEN {yes} ELSE {no} END"


def _segment(name: str, fields: Mapping[int, str]) -> str:
    """SQL of a segment from fields by number."""
    cells = (f"coalesce({fields[n]}, '')" if n in fields else "''" for n in range(1, max(fields) + 1))
    return " || '|' || ".join([f"'{name}'", *cells]) + " || chr(13)"


def _write(store: duckdb.DuckDBPyConnection, path: Path, line: str, header: str = "") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header)
        for lines in _batches(store, line):
            file.write("".join(lines))


def _batches(store: duckdb.DuckDBPyConnection, line: str) -> Iterator[list[str]]:
    been = "SELECT * FROM (SELECT *, row_number() OVER () AS n FROM people) WHERE n % 4 = 1"
    result = store.execute(f"SELECT {line} FROM ({been}), range(1, 5) e(event)")
    while batch := result.fetchmany(_BATCH):
        yield [text for (text,) in batch]


MAKERS = {"hl7": hl7, "sus": sus, "cds": cds}
