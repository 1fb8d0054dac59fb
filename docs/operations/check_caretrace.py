"""For a monitoring system (Nagios and its kin): is the last night of a project well, and not too long ago?

    python check_caretrace.py PROJECT [HOURS]

Prints one line without any person in it. Exit codes as such systems want them: 0 well, 1 somebody has to look, 2 failed
or overdue, 3 cannot tell. Needs nothing but Python.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

NOTES = ("one is expected every", "no delivery has been applied yet", "look at this machine's clock")
"""Of what a night notes, that which somebody has to look at."""


def main(project: str, hours: str = "26") -> int:
    """Print the line and give the exit code."""
    try:
        night = json.loads((Path(project) / "result.json").read_text(encoding="utf-8"))
        finished = datetime.fromisoformat(night["finished"])
        code, summary = int(night["exit_code"]), str(night["summary"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"UNKNOWN: result.json cannot be read ({type(error).__name__})")
        return 3
    age = datetime.now(timezone.utc) - finished  # noqa: UP017 - the monitor's Python may be an old one
    if age > timedelta(hours=float(hours)):
        print(f"CRITICAL: the last night ended {age.total_seconds() / 3600:.0f} hours ago")
        return 2
    if night["status"] == "failed":
        print(f"CRITICAL: {summary}")
        return 2
    if age < timedelta(hours=-1):
        print("UNKNOWN: the last night ended in the future; look at the clocks of both machines")
        return 3
    # What comes before a delivery that is applied is passed over for good, and said in one night only; that night may
    # end with 0. (A full one that a later full one overtook is late too, and nothing of it is missed.) So is a delivery
    # that is the same, byte for byte, as one that others came after.
    passed_over = any(
        (each["outcome"] == "late" and str(each["reason"]).startswith("it comes before"))
        or (each["outcome"] == "repeated" and "it is later by name than what was applied since," in str(each["reason"]))
        for each in night.get("deliveries", [])
    )
    # A night without news ends well, every time: only the notes tell that a system has stopped delivering.
    notes = [note for note in night.get("notes", []) if any(words in note for words in NOTES)]
    well = code == 0 and not passed_over and not notes
    print("; ".join([f"{'OK' if well else 'WARNING'}: {summary}", *notes]))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
