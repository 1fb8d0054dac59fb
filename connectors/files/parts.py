"""Whether the files of an extract are all there, each once, as far as their names and beginnings can tell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from connectors.files.opening import Member
from schemas.errors import InputError

# "clients part 1 of 3", "clients_2of3", "clients (3 of 3)".
_PART = re.compile(r"(?:part|pt|file)?[\s_.-]*\(?(\d{1,3})[\s_.-]*of[\s_.-]*(\d{1,3})\)?", re.IGNORECASE)


def check_parts(members: Sequence[Member]) -> None:
    """Refuse an extract of which a part is not there, where the names say how many parts there are."""
    parts: dict[tuple[str, int], dict[int, Member]] = defaultdict(dict)
    for member in members:
        if found := _PART.search(member.stem):
            name = member.stem[: found.start()] + member.stem[found.end() :]
            parts[name.casefold(), int(found[2])][int(found[1])] = member
    for (_, count), there in parts.items():
        missing = [str(number) for number in range(1, count + 1) if number not in there]
        if missing and max(there) <= count:
            some = "parts" if len(missing) > 1 else "part"
            raise InputError(
                f"{some} {', '.join(missing)} of {count} not found beside it; give the folder that holds all of them",
                path=next(iter(there.values())).where,
            )


def check_once(members: Sequence[Member]) -> None:
    """Refuse an extract that holds a file and the same file packed: its people would all be there twice."""
    plain = {(member.stem.casefold(), member.head): member for member in members if member.is_plain}
    for member in members:
        # Files of one delivery may well be alike where they hold nothing but a header.
        twin = plain.get((member.stem.casefold(), member.head))
        if twin and not member.is_plain and member.head.strip().count(b"\n"):
            raise InputError(f"holds the same as {twin.name}, unpacked; take one of them away", path=member.where)
