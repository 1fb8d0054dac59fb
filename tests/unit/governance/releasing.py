"""What the tests of releases have in common."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from governance import audit

if TYPE_CHECKING:
    from conftest import Desk, Kit


TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PSEUDONYM = re.compile("ct1_[A-Z2-7]{27}")


def full(kit: Kit) -> Desk:
    """A desk whose run has people and services."""
    people = kit.crowd()
    return kit.desk(people, service=[kit.service(who, n) for who in people for n in (1, 2)])


def entries(desk: Desk) -> list[str]:
    found = audit.verify(desk.audit, keys_dir=desk.keys.folder).entries
    return [entry["type"] for entry in found]


def nothing_left(desk: Desk) -> bool:
    return not any((desk.project / "releases").glob("*"))
