"""What is checked in a submission of Client Level Data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from caretrace.cld.checks import Verdict
from caretrace.cld.submission import Asked, Report, check
from connectors import Source
from tests.spec.cld.submissions import AS_AT, ASSESSMENT, ASSOCIATED, OTHER, REQUEST, REVIEW, SERVICE, Row, csv_of

VALID, BLANK, MISSING = Verdict.VALID, Verdict.BLANK, Verdict.MISSING
NOT_LISTED, FORM, AT_ODDS = Verdict.NOT_LISTED, Verdict.FORM, Verdict.CONTRADICTION
OTHER_RELEASE, NOT_CHECKED = Verdict.OTHER_RELEASE, Verdict.NOT_CHECKED
# A row; a field of it; what is said of it under Release 2 (None: the field does not apply).
CHECKS: list[tuple[Row, Row, str, Verdict | None]] = [
    (SERVICE, {}, "event_end_date", BLANK),  # the one event that may be open
    (SERVICE, {"date_of_death": "01/09/2026"}, "event_end_date", MISSING),
    (REVIEW, {"event_end_date": ""}, "event_end_date", MISSING),
    (REVIEW, {"event_end_date": "30/06/2026"}, "event_end_date", AT_ODDS),
    (SERVICE, {"event_end_date": "2026-08-01"}, "event_end_date", VALID),
    (SERVICE, {"event_start_date": "31/06/2026"}, "event_start_date", FORM),
    (SERVICE, {"event_start_date": "01/10/2026"}, "event_start_date", AT_ODDS),
    (SERVICE, {"date_of_birth": "01/01/1900"}, "date_of_birth", AT_ODDS),  # a dummy: 126 years
    (SERVICE, {"date_of_birth": "01/10/1911"}, "date_of_birth", VALID),  # 114
    (SERVICE, {"date_of_birth": "30/09/1911"}, "date_of_birth", AT_ODDS),  # 115 on that day
    (SERVICE, {"date_of_birth": ""}, "date_of_birth", MISSING),
    (SERVICE, {"date_of_death": "01/01/1949"}, "date_of_death", AT_ODDS),
    (SERVICE, {"nhs_number": ""}, "nhs_number", MISSING),
    (SERVICE, {"nhs_number": "9434765918"}, "nhs_number", FORM),
    (SERVICE, {"postcode": "ZZ99 3VZ"}, "postcode", VALID),
    (SERVICE, {"postcode": "Bromley"}, "postcode", FORM),
    (SERVICE, {"gender": "Non-binary"}, "gender", NOT_CHECKED),
    (SERVICE, {"client_type": "Carer"}, "client_type", OTHER_RELEASE),
    (SERVICE, {"client_type": "SERVICE USER"}, "client_type", VALID),
    (SERVICE, {"client_type": "Customer"}, "client_type", NOT_LISTED),
    (SERVICE, {"service_type": "Carer Support: Direct to Carer"}, "service_type", OTHER_RELEASE),
    (SERVICE, {"service_type": "Short Term Support: ST-Max"}, "service_type", VALID),
    (SERVICE, {"ethnicity": "White - Irish"}, "ethnicity", VALID),
    (SERVICE, {"ethnicity": "Mixed or multiple ethnic groups: Any other Mixed background"}, "ethnicity", VALID),
    (SERVICE, {"delivery_mechanism": ""}, "delivery_mechanism", BLANK),
    (SERVICE, {"delivery_mechanism": ""}, "unit_cost", MISSING),
    (SERVICE, {}, "unit_cost", BLANK),  # commissioned by the council
    (SERVICE, {"unit_cost": "about £10"}, "unit_cost", FORM),
    (SERVICE, {"unit_cost": "-1"}, "unit_cost", FORM),
    (SERVICE, {}, "assessment_type", None),
    (SERVICE, {}, "no_of_adults_being_cared_for", None),
    (SERVICE, {"client_type": "Unpaid carer"}, "no_of_adults_being_cared_for", BLANK),
    (SERVICE, {"client_type": "Unpaid carer"}, "client_funding_status", None),
    (REQUEST, {"primary_support_reason": ""}, "primary_support_reason", BLANK),
    (REVIEW, {"primary_support_reason": ""}, "primary_support_reason", MISSING),
    (ASSESSMENT, {"method_of_assessment": ""}, "method_of_assessment", MISSING),
    (ASSESSMENT, {"assessment_type": "Financial Assessment", "method_of_assessment": ""},
     "method_of_assessment", BLANK),
    (REVIEW, {"review_outcomes_achieved": ""}, "review_outcomes_achieved", MISSING),
    (REVIEW, {"review_reason": "Unplanned", "review_outcomes_achieved": ""}, "review_outcomes_achieved", BLANK),
    (ASSOCIATED, {}, "event_type", None),
    (SERVICE, {"date_of_birth": "01/10/1961", "primary_support_reason": "Learning Disability Support"},
     "employment_status", MISSING),  # 64
    (SERVICE, {"date_of_birth": "30/09/1961", "primary_support_reason": "Learning Disability Support"},
     "employment_status", BLANK),  # 65 on the last day
]  # fmt: skip


def checked(path: Path, records: Sequence[Row], release: int = 2) -> tuple[Report, list[dict[str, Verdict | None]]]:
    path.write_text(csv_of(records), encoding="utf-8", newline="")
    with duckdb.connect() as connection:
        report = check(connection, [Source(path)], Asked(release=release), as_at=AS_AT)
        result = connection.execute("SELECT * EXCLUDE (file, record, line) FROM cld_before ORDER BY record")
        names = [column[0] for column in result.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return report, [{n: None if v is None else Verdict(v) for n, v in row.items()} for row in found]


def test_checks(tmp_path: Path) -> None:
    people = [
        {**row, "la_person_unique_identifier": f"P{n}", "nhs_number": "", **change}
        for n, (row, change, *_) in enumerate(CHECKS)
    ]
    report, verdicts = checked(tmp_path / "q.csv", people)
    said = [verdicts[n][field] for n, (_, _, field, _) in enumerate(CHECKS)]
    assert said == [expected for *_, expected in CHECKS]
    counted = report.after["event_end_date"]
    assert sum(counted.values()) == sum(1 for each in verdicts if each["event_end_date"] is not None)


def test_one_number_of_two_people_is_a_fault(tmp_path: Path) -> None:
    two = [SERVICE, SERVICE | {"la_person_unique_identifier": "P2"}, SERVICE | {"nhs_number": OTHER}]
    _, verdicts = checked(tmp_path / "q.csv", two)
    assert [each["nhs_number"] for each in verdicts] == [AT_ODDS, AT_ODDS, VALID]


def test_release_1_has_its_own_lists(tmp_path: Path) -> None:
    old = SERVICE | {"client_type": "Carer", "method_of_review": "", "delivery_mechanism": "Self-Funder Metering Only"}
    _, [new_row, old_row] = checked(tmp_path / "q.csv", [SERVICE | {"client_type": "Unpaid carer"}, old], release=1)
    assert (new_row["client_type"], old_row["client_type"]) == (OTHER_RELEASE, VALID)
    assert (new_row["delivery_mechanism"], old_row["delivery_mechanism"]) == (VALID, VALID)
