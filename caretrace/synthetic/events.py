"""Where people lived before, and what the council provides for them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import numbers
from caretrace.synthetic.people import NONE
from caretrace.synthetic.population import Population

Integers = NDArray[np.int64]

# Service type, component and delivery in the words of Client Level Data, Release 2, with cost a week; shares assumed.
_SERVICES = (
    (0.40, "Long term support: Community", "Home support or domiciliary care", "CASSR managed personal budget", 240),
    (0.10, "Long term support: Community", "Direct payment", "Direct payment", 310),
    (0.06, "Long term support: Community", "Community supported living", "CASSR commissioned support", 780),
    (0.15, "Long term support: Residential care", "Long term Residential care", "CASSR commissioned support", 890),
    (0.07, "Long term support: Nursing care", "Long term Nursing care", "CASSR commissioned support", 1020),
    (0.12, "Short term support: ST-Max", "Reablement", "CASSR commissioned support", 330),
    (0.10, "Short term support: Ongoing low level", "Equipment", "CASSR commissioned support", 20),
)
_PROVIDERS = (
    "Oakfield Care Ltd",
    "Harbour Homecare",
    "Bright Days Support",
    "Northgate Nursing Homes",
    "In-house team",
)
_END_REASONS = ("Support ended as planned", "Support ended for other reason", "Admitted to hospital")


def addresses(
    rng: np.random.Generator, society: Population, table: dict[str, pa.Array], of: Integers, *, held: float
) -> pa.Table:
    """ADDRESS columns: the address of each record; for a share `held` of those who moved the former one, end-dated."""
    people = society.people
    former, moved = people.previous_home[of], people.moved[of]
    stale = np.asarray(table["_stale"])
    both = np.flatnonzero((former != NONE) & ~stale & (rng.random(len(of)) < held))
    line_1, line_2, line_3 = society.places.lines(former[both])
    until = _iso(moved[both])
    none = pa.nulls(len(both), pa.string())
    # When people came to the former home is seldom held.
    since = pc.if_else(pa.array((former != NONE) & ~stale), _iso(np.maximum(moved, 0)), pa.scalar(None, pa.string()))
    current = {
        "record_id": table["record_id"],
        "address_type": pa.array(["home"]).take(pa.array(np.zeros(len(of), np.int64))),
        **{name: table[name] for name in ("address_line_1", "address_line_2", "address_line_3", "postcode")},
        "from_date": since,
        "to_date": pa.nulls(len(of), pa.string()),
    }
    earlier = {
        "record_id": table["record_id"].take(pa.array(both)),
        "address_type": pa.array(["home"]).take(pa.array(np.zeros(len(both), np.int64))),
        "address_line_1": line_1,
        "address_line_2": line_2,
        "address_line_3": line_3,
        "postcode": society.places.postcode(former[both]),
        "from_date": none,
        "to_date": until,
    }
    return pa.concat_tables([pa.table(current), pa.table(earlier)]).combine_chunks()


def services(rng: np.random.Generator, society: Population, table: dict[str, pa.Array], of: Integers) -> pa.Table:
    """SERVICE columns: four clients in five have one service, a quarter of these another."""
    n = len(of)
    first = np.flatnonzero(rng.random(n) < 0.8)
    row = np.concatenate([first, rng.permutation(first)[: len(first) // 4]])
    count = len(row)
    shares = np.array([service[0] for service in _SERVICES])
    kind = pa.array(rng.choice(len(_SERVICES), count, p=shares / shares.sum()))
    today = (society.as_at - date(1970, 1, 1)).days
    start = today - rng.integers(1, 4 * 365, count)
    ended = rng.random(count) < 0.35
    end = np.minimum(start + rng.integers(14, 900, count), today)
    none = pa.scalar(None, pa.string())
    is_ended = pa.array(ended)
    return pa.table(
        {
            "record_id": table["record_id"].take(pa.array(row)),
            "event_id": numbers.as_text(np.arange(count) + 1, 7, "S"),
            "service_type": pa.array([service[1] for service in _SERVICES]).take(kind),
            "service_component": pa.array([service[2] for service in _SERVICES]).take(kind),
            "delivery_mechanism": pa.array([service[3] for service in _SERVICES]).take(kind),
            "provider": pa.array(_PROVIDERS).take(pa.array(rng.integers(0, len(_PROVIDERS), count))),
            "start_date": _iso(start),
            "end_date": pc.if_else(is_ended, _iso(end), none),
            "end_reason": pc.if_else(
                is_ended, pa.array(_END_REASONS).take(pa.array(rng.integers(0, len(_END_REASONS), count))), none
            ),
            "unit_cost": numbers.as_text(np.array([service[4] for service in _SERVICES])[kind.to_numpy()]),
            "cost_unit": pa.array(["week"]).take(pa.array(np.zeros(count, np.int64))),
        }
    )


def _iso(days: Integers) -> pa.Array:
    return pc.cast(pa.array(days.astype("datetime64[D]")), pa.string())
