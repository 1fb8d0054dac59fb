"""Kinds of inconsistency that two systems show together, about people they both hold."""

from __future__ import annotations

from caretrace.quality.kind import Kind, Mender, Pair, Rows, Severity
from caretrace.quality.within import UNLIKE_NAMES

_UNLIKE = f"(jaro_winkler_similarity(%s, %s) < {UNLIKE_NAMES})"
# A name that stands on the other record as a previous one differs for a known reason. CASE: most names are equal, and
# then nothing dearer is asked.
_OTHER_FAMILY = (
    "CASE WHEN a.family <> b.family THEN "
    f"{_UNLIKE % ('a.family', 'b.family')} AND coalesce({_UNLIKE % ('a.before', 'b.family')}, true)"
    f" AND coalesce({_UNLIKE % ('a.family', 'b.before')}, true)"
    " WHEN a.family = b.family THEN false END"
)
# Where an address must not be known, nothing is said that would lead anybody to it.
_OPEN_ADDRESS = "NOT a.restricted AND NOT b.restricted"
_OTHER_HOUSE = (
    f"CASE WHEN a.postcode = b.postcode AND a.lines <> b.lines AND {_OPEN_ADDRESS} THEN"
    " nullif(regexp_extract(a.lines, '[0-9]+'), '') <> nullif(regexp_extract(b.lines, '[0-9]+'), '') ELSE false END"
)
_NEWER = (
    "CASE WHEN b.moved > a.moved THEN 'the other system''s is newer, by its dates'"
    " ELSE 'the dates do not tell which is newer' END"
)


def _known_elsewhere(column: str, words: str, *, where: str = "true", listed: bool = True) -> Kind:
    short = {"birth_date": "born", "gp_practice_code": "practice"}.get(column, column)
    return Kind(
        f"{column.replace('_', '-')}-known-elsewhere",
        column,
        f"no {words}, but another system has one",
        f"The record has no {words}; another system holds one for the same person.",
        "The gap can be filled without asking the person again.",
        "Ask for it where the sharing agreement covers it, or take it from the linked tables of the run.",
        Severity.LATER,
        Pair(f"a.{short} IS NULL AND b.{short} IS NOT NULL AND {where}", every=False),
        listed=listed,
    )


ACROSS: tuple[Kind, ...] = (
    Kind(
        "dead-elsewhere-with-open-service",
        "death_date",
        "dead in another system, with a service still open here",
        "Another system holds a date of death; this one holds none, and a service without an end.",
        "Care may be planned, paid for or charged for somebody who died, and the family may be written to.",
        "Confirm the death, on PDS or with the practice, first; then record it and end the service.",
        Severity.URGENT,
        Pair("a.died IS NULL AND b.died IS NOT NULL AND a.served", every=False),
    ),
    Kind(
        "dead-elsewhere",
        "death_date",
        "dead in another system, alive here",
        "Another system holds a date of death for the person; this one holds none.",
        "The family may be written to; or a living person is dead in the other system, and is refused care there.",
        "Confirm the death, on PDS or with the practice, and record it; or tell the other system that it is wrong.",
        Severity.URGENT,
        Pair("a.died IS NULL AND b.died IS NOT NULL AND NOT a.served", every=False),
    ),
    Kind(
        "death-date-differs",
        "death_date",
        "another date of death in another system",
        "Two systems hold different dates of death.",
        "Payments and counts of deaths go by the date.",
        "Take the date of the registered death.",
        Severity.LATER,
        Pair("a.died <> b.died"),
    ),
    Kind(
        "restricted-elsewhere",
        "restricted",
        "restricted in another system, open here",
        "Another system marks the person's record as sensitive, confidential or restricted; this one does not.",
        "An address that must stay unknown may be seen here by anybody with a log-in.",
        "Treat the record as restricted until the other system's owner has been asked why it is.",
        Severity.URGENT,
        Pair("NOT a.restricted AND b.restricted", every=False),
        discreet=True,
    ),
    Kind(
        "number-of-another-person",
        "nhs_number",
        "an NHS number that stands on a different person elsewhere",
        "Another system holds the number on a record with another day of birth and an entirely different family name.",
        "Somebody's history may be shown to, or sent for, somebody else.",
        "Find out whose number it is, by tracing on PDS, and take it off the other record.",
        Severity.URGENT,
        Pair(f"a.number = b.number AND a.born <> b.born AND {_OTHER_FAMILY}", every=False, unlike=True),
        mender=Mender.PDS,
    ),
    Kind(
        "number-differs",
        "nhs_number",
        "another NHS number in another system",
        "The person is linked to a record that holds a different NHS number.",
        "One of the two is wrong, or the link is. Nothing was overwritten: conflicts.csv lists both numbers.",
        "Trace the person on PDS, and correct whichever is wrong.",
        Severity.URGENT,
        Pair("a.number <> b.number"),
        mender=Mender.PDS,
    ),
    Kind(
        "given-name-differs",
        "given_name",
        "linked, but the given name is a different one",
        "The linked record's given name is no spelling, short form or middle name of this one's.",
        "Twins and relatives whose numbers were exchanged look like this.",
        "Compare the two records; trace on PDS where they are not clearly one person.",
        Severity.SOON,
        Rows(
            "SELECT row, sure FROM temp.quality_link WHERE other_given_name",
            sides=("clients",),
            needs_link=True,
        ),
    ),
    Kind(
        "birth-date-differs",
        "birth_date",
        "another date of birth in another system",
        "Two systems hold different full dates of birth.",
        "One of them is wrong; checks by date of birth fail, and the next link may too.",
        "Ask the person or look at their papers; PDS holds the date the NHS goes by.",
        Severity.SOON,
        Pair("a.born <> b.born"),
    ),
    Kind(
        "gender-differs",
        "gender",
        "another gender in another system",
        "One system says male, the other female.",
        "A slip of the keyboard, a person who changed it, or a link to the wrong one of two twins.",
        "Ask the person; never copy it over unasked.",
        Severity.SOON,
        Pair("a.gender <> b.gender"),
    ),
    Kind(
        "family-name-differs",
        "family_name",
        "an entirely different family name in another system",
        "The two family names share next to nothing, and neither stands as a previous name on the other record.",
        "The person has married or changed their name, or is not the same person.",
        "Check which name is in use, and keep the other as a previous name: it helps the next link.",
        Severity.SOON,
        Pair(_OTHER_FAMILY),
    ),
    Kind(
        "postcode-differs",
        "postcode",
        "another postcode in another system",
        "Two systems hold different postcodes. Listed where this one's is not known to be the newer; records that are"
        " restricted in either system are left out.",
        "Letters and visits go to an old address, and the next link has less to go by.",
        "Ask which address is right. A care home and a family home may both be.",
        Severity.SOON,
        Pair(
            f"a.postcode <> b.postcode AND NOT coalesce(a.moved > b.moved, false) AND {_OPEN_ADDRESS}",
            note=_NEWER,
        ),
    ),
    Kind(
        "house-differs",
        "address_line_1",
        "another house number at the same postcode",
        "Two systems hold the same postcode with different house numbers; records that are restricted in either system"
        " are left out.",
        "Letters and visits go to the neighbours.",
        "Ask which is right.",
        Severity.LATER,
        Pair(_OTHER_HOUSE),
    ),
    Kind(
        "gp-practice-differs",
        "gp_practice_code",
        "registered with another practice than recorded",
        "The practice recorded here is not one at which the person is registered now.",
        "Discharge letters and calls go to a practice that no longer knows the person.",
        "Take the practice of the register.",
        Severity.SOON,
        Pair("NOT a.gp AND b.gp AND b.registered AND a.practice <> b.practice"),
    ),
    Kind(
        "registered-nowhere",
        "gp_practice_code",
        "no longer registered with any practice",
        "Every registration of the person in the register has ended, and nobody holds a date of death.",
        "The person has no GP, has moved away, or has died without the council being told.",
        "Ask the person; help them to register.",
        Severity.SOON,
        Rows(
            """SELECT a.row, bool_and(a.sure AND b.sure) AS sure
            FROM temp.quality_member a JOIN temp.quality_member b USING (who)
            WHERE a.side = '{side}' AND NOT a.gp AND b.gp AND who NOT IN (FROM temp.quality_crowd)
            GROUP BY a.row HAVING NOT bool_or(b.registered) AND count(a.died) = 0 AND count(b.died) = 0""",
            needs_link=True,
        ),
    ),
    Kind(
        "several-practices",
        "gp_practice_code",
        "registered with several practices at once",
        "Records of one NHS number are registered, and alive, at more than one practice.",
        "A practice still counts, calls and is paid for somebody who has left.",
        "End the older registration.",
        Severity.SOON,
        Rows(
            """SELECT unnest(rows) AS row, true AS sure FROM (
            SELECT list(row) AS rows FROM temp.quality_member WHERE side = '{side}' AND gp AND registered
            GROUP BY who HAVING min(practice) <> max(practice) AND count(died) = 0)""",
            needs_link=True,
        ),
        mender=Mender.PRACTICE,
    ),
    Kind(
        "unknown-to-register",
        "nhs_number",
        "not found in any GP register given",
        "Nobody in the register fits the client: after linking by all that is known, or, where `check` was given both"
        " sides, by the NHS number alone.",
        "The person lives elsewhere, has no GP, or is recorded too poorly to be found.",
        "Mend what else is listed for the record first; then ask the person for their practice.",
        Severity.LATER,
        Rows(
            "SELECT row, true AS sure FROM temp.quality_unfound",
            sides=("clients",),
            needs_link=True,
        ),
        mender=Mender.COUNCIL,
        of_all=True,
    ),
    _known_elsewhere("birth_date", "date of birth"),
    _known_elsewhere("gender", "gender"),
    _known_elsewhere("postcode", "postcode", where=_OPEN_ADDRESS),
    # Half of all clients lack it: it is filled by loading the column, not one record after the other.
    _known_elsewhere("gp_practice_code", "GP practice", where="NOT a.gp AND b.gp AND b.registered", listed=False),
)
