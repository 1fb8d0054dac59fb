"""From episodes of hospital care to provider spells, as SQL: one row a spell, however many rows speak of it.

A hospital provider spell is one stay of a patient with one provider; its rows are consultant episodes, sent again each
month while it lasts (NHS Data Dictionary, HOSPITAL PROVIDER SPELL). What the spell is called by, which episode speaks
for its admission and which for its discharge are project decisions, and all of them are here.
"""

from __future__ import annotations

NEEDED = (
    *("place", "newness", "provider", "organisation", "local_id", "spell_number", "episode", "is_last"),
    *("spell_start", "episode_start", "discharge_date", "begins", "starts", "ends"),
    *("admission_method", "primary_diagnosis", "discharge_destination", "discharge_method", "ready_date"),
)
"""Columns of a relation of episodes. `place` names an episode and `newness` orders what was sent by when; `episode` is
its number, `is_last` whether it says that it is the last; `begins` (of the spell), `starts` (of the episode) and `ends`
(the discharge) are dates, the other columns text as held; `ready_date` is since when the patient could have left."""


def spells(episodes: str) -> str:
    """SQL of one row for each spell of the relation `episodes`, which has the columns NEEDED.

    `admission` and `discharge` are structures of what the first and the last episode say; at `admission.place` the
    spell is counted. `episodes` counts episodes, one sent twice once.

    A spell is known by provider, patient and spell number; without a number by the day it began; without either each
    episode is a spell of its own. The admission episode is the one with the lowest number (else the earliest), as it
    was last sent; the last episode is the one that says so, else the one with the highest number.
    """
    number = "coalesce(spell_number, 'began ' || begins, 'episode ' || place)"
    opening = "row(coalesce(episode, 1000), coalesce(starts, DATE '9999-12-31'), -newness)"
    closing = "row(is_last, coalesce(episode, 0), coalesce(starts, DATE '0001-01-01'), newness)"
    # The first episode of the extract is the admission where it is numbered so, or where it begins with the spell.
    is_admission = "coalesce(episode = 1, false) OR coalesce(starts = begins, false)"
    admission = (
        "{'place': place, 'start': coalesce(spell_start, episode_start), 'method': admission_method,"
        f" 'diagnosis': primary_diagnosis, 'is_admission': {is_admission}}}"
    )
    discharge = "{'destination': discharge_destination, 'method': discharge_method, 'date': discharge_date}"
    return (
        "SELECT provider, organisation, local_id, any_value(spell_number) AS spell_number,"
        f" arg_min({admission}, {opening}) AS admission, arg_max({discharge}, {closing}) AS discharge,"
        # An open last episode does not undo a discharge that another one names.
        " arg_max(discharge_date, row(ends IS NOT NULL, newness)) AS discharge_date,"
        " arg_max(ready_date, row(ready_date IS NOT NULL, newness)) AS ready_date,"
        " len(list_distinct(list(coalesce(episode, -place)))) AS episodes"
        f" FROM ({episodes}) GROUP BY provider, organisation, local_id, {number}"
    )


def icd10(x: str) -> str:
    """SQL of an ICD-10 code without dot, fillers (I10X, I10-) and the marks of dagger and asterisk; null where none.

    The marks are written D and A in commissioning data, and as signs elsewhere. X before a fifth character stays.
    """
    tidy = f"upper(translate({x}, '. ', ''))"
    return f"nullif(regexp_extract({tidy}, '{_ICD10}', 1), '')"


_ICD10 = "^([A-Z][0-9]{2}(?:[0-9][0-9]?|X[0-9])?)[X-]*[DA+*†‡]?[X-]*$"
