"""The two cleaned record tables as Splink takes them: one row per record, the columns that the settings name.

Splink's settings say how to compare, not how to clean. These tables hold what our comparisons look at, so that a model
of ours compares the same values there. They hold identifiers.
"""

from __future__ import annotations

from typing import Literal

from linkage.conditions.fields import BY_NAME, FIELDS
from linkage.frequencies import Frequencies, u_columns
from linkage.splink.exports import FREQUENCIES, NICKNAMES, UNIQUE_ID, Frequency

Side = Literal["clients", "register"]
SIDES: tuple[Side, Side] = ("clients", "register")

# As in `linkage.frequencies.U_JOINS`, for a record taken as either side of a pair: a client with itself, and a register
# row with a client of whom nothing is known.
_COUNTS = {
    "clients": """
        JOIN clients_record l ON l.id = x.id
        JOIN clients_record r ON r.id = x.id
        JOIN f_client fl ON fl.id = l.id
        LEFT JOIN f_given fg ON fg.given = r.given
        LEFT JOIN f_family ff ON ff.family = r.family""",
    "register": """
        JOIN register_record r ON r.id = x.id
        LEFT JOIN clients_record l ON false
        LEFT JOIN f_client fl ON false
        LEFT JOIN f_given fg ON fg.given = r.given
        LEFT JOIN f_family ff ON ff.family = r.family
        LEFT JOIN f_cohort fc ON fc.gender = r.gender AND fc.decade = r.birth_year // 10
        LEFT JOIN f_given_cohort fgc
            ON fgc.given = r.given AND fgc.gender = r.gender AND fgc.decade = r.birth_year // 10""",
}


def records_sql(side: Side, frequencies: Frequencies | None) -> str:
    """SELECT of every record of `<side>_record`: unique_id, source_dataset, every field, and the tf_ columns.

    unique_id is the source key as `source|source_org|record_id`. It needs what `linkage.clean.clean` and
    `linkage.frequencies.count_frequencies` make, and `<side>.person`. Without `frequencies` there are no tf_ columns,
    and Splink counts its own.
    """
    fields = ",\n".join(f"{field.of('x')} AS {field.name}" for field in FIELDS)
    named = {each.column: each for several in FREQUENCIES.values() for each in several}
    copies = [f"{each.sql.format('x')} AS {each.column}" for each in named.values() if each.column not in BY_NAME]
    shares = _tf_sql(side, frequencies) if frequencies else []
    selected = ",\n".join([*copies, *shares])
    return f"""
        SELECT concat_ws('|', p.source, p.source_org, p.record_id) AS {UNIQUE_ID}, '{side}' AS source_dataset,
               {fields},
               (SELECT list(n.b ORDER BY n.b) FROM nickname n WHERE n.a = x.given) AS {NICKNAMES},
               {selected}
        FROM {side}_record x JOIN {side}.person p ON p.rowid = x.id
        {_COUNTS[side] if frequencies else ""}
        ORDER BY {UNIQUE_ID}"""


def _tf_sql(side: Side, frequencies: Frequencies) -> list[str]:
    """The tf_ columns; null on the side that does not carry a frequency, or whose record lacks the value."""
    known = u_columns(frequencies)
    # Two of ours may be one column: then the later, plainer one is counted.
    by_column = {each.column: (each, known[name]) for name, several in FREQUENCIES.items() for each in several}
    return [f"{_share(each, share, side)} AS tf_{column}" for column, (each, share) in by_column.items()]


def _share(frequency: Frequency, share: str, side: Side) -> str:
    if frequency.side != side:
        return "CAST(NULL AS DOUBLE)"
    return f"CASE WHEN {frequency.sql.format('x')} IS NOT NULL THEN CAST({share} AS DOUBLE) END"
