"""A plan in plain words, from its plain values alone: what a person reads is what its hash is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def text(said: Mapping[str, Any]) -> str:
    """`ReleasePlan.to_json` for a person to read."""
    about = said["agreement"]
    leaving = [
        f"  {_path(f)}: {f['meaning']}{_coarsened(f)}. {f['justification']}" for f in said["fields"] if f["leaves"]
    ]
    dropped = [f"  {_path(f)}{_coarsened(f)}" for f in said["fields"] if not f["leaves"]]
    left_out = [f"  {_count(each['people'])}: {each['reason']} ({each['rule']})" for each in said["left_out"]]
    lines = [
        f"Release under {about['id']} version {about['version']}: {said['title']}",
        f"To {said['recipient']}, for {said['purpose']}, form {said['form']}, on {said['today']}",
        f"Release number {said['number']} to this recipient, from run {said['run_id']}.",
        f"People: {said['people']:,}. Rows: "
        + ", ".join(f"{table} {count:,}" for table, count in said["rows"].items())
        + ".",
        *_section("Left out (people)", left_out),
        *_section("Fields that leave", leaving),
        *_section("Fields that do not leave", dropped),
        *_measured(said),
        *_section("Notes", [f"  {note}" for note in said["notes"]]),
    ]
    if said["outcome"] in ("ALLOW", "TRANSFORM"):
        how = " with a signature: `caretrace release approve`" if said["signature_needed"] else ""
        lines.append(f"Nothing stands against it. A second person has to approve it{how}.")
    else:
        word = "REFUSED" if said["outcome"] == "DENY" else "REFERRED to a person"
        lines += _section(word, [f"  {reason}" for reason in said["reasons"]])
    return "\n".join(lines) + "\n"


def _measured(said: Mapping[str, Any]) -> list[str]:
    lines = _alike(said)
    lines += [
        f"{each['path']}: {each['fewest']} values or more in every group, at most {each['distance']:.2f} from all."
        for each in said["inferences"]
    ]
    if rows := said["restricted_rows"]:
        lines.append(f"Rows left out for legally restricted codes: {rows:,} (R26).")
    if (counts := said["counts"]) is not None and counts["fault"] is None:
        narrowest = counts["narrowest"]
        least = "nothing is hidden" if narrowest is None else f"each may vary by {narrowest} or more"
        lines.append(
            f"Counts: {counts['cells']:,} by {counts['preset']}; {counts['small']:,} small ones hidden, and"
            f" {counts['others']:,} others for their sake; {least}."
        )
    return lines


def _alike(said: Mapping[str, Any]) -> list[str]:
    """What is proposed that groups of look-alikes are large enough, and how large they are."""
    lines = []
    for each in (each for each in said["coarsened"] if each["fault"] is None):
        changed = [f"{field['field']} {field['agreed']} to {field['coarser']}" for field in each["fields"]]
        lines.append(
            f"Proposed to reach k, of {each['of']}: {', '.join(changed) or 'no field'}; {each['information_lost']:.1%}"
            f" of information lost, by {each['measure']}; {each['tried']:,} combinations tried."
        )
    if (groups := said["look_alikes"]) is not None:
        columns = ", ".join(groups["columns"]) or "no field"
        lines.append(f"Smallest group of look-alikes: {groups['smallest']:,} people, by {columns}.")
    for each in said["events"]:
        lines.append(
            f"Rows of {each['table']}: each is shared by {each['smallest']:,} people or more, by that and"
            f" {', '.join(each['columns']) or 'no field'}; rows too few share: {_count(each['small'])},"
            f" withheld: {_count(each['withheld'])}."
        )
    if (alone := said["alone_by_all_rows"]) is not None:
        lines.append(f"People whom all their rows together set apart: {_count(alone)}.")
    return lines


def _coarsened(field: Mapping[str, Any]) -> str:
    return "" if field["transform"] == field["agreed"] else f" (coarsened for k; agreed: {field['agreed']})"


def _path(field: Mapping[str, Any]) -> str:
    return f"{field['table']}.{field['name']}"


def _count(people: int | str) -> str:
    return people if isinstance(people, str) else f"{people:,}"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *lines] if lines else []
