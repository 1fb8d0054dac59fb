"""What the log says, in lines: releases, opt-outs applied, what is due, reversals, files written, backups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

Found = dict[str, tuple[str, ...]]
NAMES = ("releases", "released_to", "opt_outs_applied", "due", "reversals", "writings", "backups", "log")


def facts_of_log(entries: Sequence[Mapping[str, Any]], *, today: date) -> Found:
    """Facts of NAMES; none where there is no log."""
    from governance import after, approval
    from governance.audit import register, upkeep, writings
    from governance.officer import optouts
    from governance.request import history
    from governance.reversal import asking

    if not entries:
        return dict.fromkeys(NAMES, ())
    rows = register.rows(entries)
    left = [past for past in history(entries).releases if past.left]
    holders = [
        f"{past.recipient} holds {past.release_id} under {past.agreement_id}" for past in left if not past.destroyed
    ]
    signed, by_name = approval.check(entries)
    written = Counter(f"{each['kind']}, to {each['recipient']}" for each in writings.rows(entries))
    backups = [each for each in upkeep.rows(entries) if each["what"] == "backup"]
    return {
        "releases": tuple(_release(each) for each in rows) or ("none yet",),
        "released_to": tuple(holders) or ("nobody",),
        "opt_outs_applied": _opt_outs(optouts.rows(entries)),
        "due": tuple(
            f"{each['what']} {each['id']}, {each['day'] or 'now'}: {each['state']}"
            for each in after.due([*entries], today=today)
        ),
        "reversals": tuple(
            f"{each['reversal_id'] or 'refused'} of {each['release_id']}: {each['state']}"
            for each in asking.rows(entries)
        )
        or ("none",),
        "writings": tuple(f"{what}: {count} times" for what, count in sorted(written.items())) or ("none",),
        "backups": tuple(f"{each['at'][:10]}: {each['about']}" for each in backups[-1:]) or ("none in the log",),
        "log": (
            f"{len(entries):,} entries, the newest of {entries[-1]['at'][:10]}; of {signed + by_name} releases begun,"
            f" {signed} approved by a signature and {by_name} by a name",
        ),
    }


def _release(row: Mapping[str, Any]) -> str:
    return (
        f"{row['release_id']} on {row['release_date']} to {row['organisation']} under {row['agreement']}:"
        f" {row['form']}, {row['people'] or 'no'} people, {row['state']}"
    )


def _opt_outs(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Small counts are hidden: a paper may be published; `caretrace officer opt-outs` has them."""
    from governance.plan import shown

    return tuple(
        f"{each['release_id']}, {each['kind']}: {shown(each['people_left_out'], for_recipient=True)} people left out"
        for each in rows
        if each["people_left_out"]
    )
