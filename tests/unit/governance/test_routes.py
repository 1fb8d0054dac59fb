"""Share routes in the log: that they exist, as they stand last, and nothing that identifies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from governance import audit, keys
from governance.audit import log
from governance.audit.routes import Route, record, rows
from schemas.errors import CaretraceError, InputError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIG = Route("MIG viewing", "GP practices", "duty team", "direct care", "consent at each consultation", "view only")


def put(tmp_path: Path, *said: Route) -> list[dict[str, object]]:
    (tmp_path / "p").mkdir()
    keys.create(tmp_path / "keys", project=tmp_path / "p")
    secrets = keys.load(tmp_path / "keys", project=tmp_path / "p")
    for at, route in enumerate(said):
        now = NOW + timedelta(minutes=at)
        with log.opened(tmp_path / "p" / "audit", secrets, now=now) as held:
            record(held, route, maker="ann", now=now)
    return rows(audit.verify(tmp_path / "p" / "audit", keys_dir=tmp_path / "keys").entries)


def test_a_route_stands_in_a_log_that_verifies_and_its_end_too(tmp_path: Path) -> None:
    ended = Route(MIG.name, MIG.origin, MIG.destination, MIG.purpose, MIG.basis, ended=True)
    found = put(tmp_path, MIG, ended)
    assert [(row["route"], row["state"], row["note"], row["at"], row["recorded_by"]) for row in found] == [
        ("MIG viewing", "open", "view only", "2026-11-22T12:00:00Z", "ann"),
        ("MIG viewing", "ended", "", "2026-11-22T12:01:00Z", "ann"),
    ]


@pytest.mark.parametrize("missing", ["name", "origin", "destination", "purpose", "basis"])
def test_every_part_is_needed(missing: str) -> None:
    with pytest.raises(InputError, match=f"a share route needs its {missing}"):
        Route(**{**vars(MIG), missing: " "})


def test_no_number_gets_into_it(tmp_path: Path) -> None:
    with pytest.raises(CaretraceError):
        put(tmp_path, Route("MIG", "practices", "team", "for 943 476 5919", "consent"))
