"""Two lists of one population: a census and an administrative list, nearly everybody on both, no NHS numbers.

Shaped after the simulated data of the ESSnet on Data Integration (McLeod, Heasman and Forbes, Office for National
Statistics, 2011: a census of 25,343 people, a customer list of 24,613, 24,043 of them on both). As there, families
share one address line, names come from a short list, so that many people share one, and forms were read by machine:
an M becomes an N wherever it stands in a name. Rates are assumed after a look at that data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import numbers, pools, population, records, slips
from caretrace.synthetic.draw import AS_AT, Synthetic, register_ids
from caretrace.synthetic.people import NONE, People
from caretrace.synthetic.rates import CENSUS
from caretrace.synthetic.records import Who
from schemas import SettingsError

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_ON_BOTH = 0.977
"""Of the clients: 24,043 of 24,613."""
_SURNAMES, _GIVEN = 150, 30
"""The commonest that are used; given names by sex and decade of birth."""

_MISREAD = 0.09
"""Of given and of family names: one letter taken for another by the reader of forms, wherever it stands."""
_CONFUSED = "MN NM HK KH LC CL CG GC IL LI VU UV OU RA AR RB BR BD XK KX NH HM SZ"
_NAME_MISSING = 0.01
_ADDRESS_MISSING = 0.015
_HOUSE_MISREAD = 0.008
"""A digit of the house number read twice: 31 becomes 311."""
_DAY_MISSING = 0.01

_COLUMNS = "record_id family_name given_name birth_date gender address_line_1 address_line_2 postcode"


def make_census(clients: int, register: int, *, seed: int, as_at: date = AS_AT) -> Synthetic:
    """A client list and a register of about the same people; the same seed gives the same tables.

    Raises SettingsError where the register is too small to hold the 97.7 % of clients who are on both lists.
    """
    both = round(clients * _ON_BOTH)
    if clients < 1 or register < max(both, 1):
        raise SettingsError(
            f"census lists of {clients:,} clients and {register:,} register rows cannot be made: nearly everybody is on"
            " both; ask for a register about as large as the client list"
        )
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, 0xCE5]).spawn(4)]
    society = population.make(streams[0], clients + register - both, as_at)
    _few_names(streams[1], society.people)
    order = streams[1].permutation(len(society.people))
    listed = Who(streams[1].permutation(order[:clients]), np.zeros(clients, np.bool_))
    counted = Who(streams[1].permutation(order[clients - both :]), np.zeros(register, np.bool_))
    client = _held(streams[2], society, listed, "C")
    person = _held(streams[3], society, counted, "R")
    none = pa.table({"record_id": pa.array([], pa.string())})
    return Synthetic(
        clients=client,
        register=person,
        truth=pa.table(
            {
                "record_id": client["record_id"],
                "person_id": numbers.as_text(listed.people + 1, 8, "P"),
                "nhs_number": pa.nulls(clients, pa.string()),
                "in_register": pa.array(np.isin(listed.people, counted.people)),
                "register_record_id": register_ids(listed.people, counted, person["record_id"]),
            }
        ),
        register_truth=pa.table(
            {"record_id": person["record_id"], "person_id": numbers.as_text(counted.people + 1, 8, "P")}
        ),
        client_addresses=none,
        register_addresses=none,
        client_services=none,
        as_at=as_at,
        seed=seed,
    )


def _few_names(rng: np.random.Generator, people: People) -> None:
    """Every family name becomes one of the commonest, the same for the whole family; given names likewise."""
    known = pools.load()
    common = _head(known.surname[0], _SURNAMES)
    renamed = common.sample(rng, len(known.surnames)).astype(np.int64)
    for column in (people.surname, people.maiden):
        column[:] = np.where(column == NONE, NONE, renamed[column])
    people.maiden[people.maiden == people.surname] = NONE
    people.second_surname[:] = NONE
    people.middle[:] = NONE
    for sex, female in enumerate((True, False)):
        names = np.unique(np.concatenate([pool.codes[:_GIVEN] for pool in known.given_name[0][sex]]))
        common_name = names[rng.integers(0, len(names), len(known.given))]
        chosen = people.female == female
        people.given[chosen] = common_name[people.given[chosen]]


def _head(pool: pools.Pool, n: int) -> pools.Pool:
    return pools.Pool(pool.codes[:n], pool.cumulative[:n] / pool.cumulative[n - 1])


def _held(rng: np.random.Generator, society: population.Population, who: Who, prefix: str) -> pa.Table:
    """What one of the two lists holds: capitals, no town, the postcode without its space."""
    table = records.view(rng, society, who, CENSUS)
    n = len(who.people)
    table["record_id"] = numbers.as_text(rng.permutation(n) + 1, 7, prefix)
    for name in ("given_name", "family_name"):
        read = slips.apply(pc.utf8_upper(table[name]), rng.random(n) < _MISREAD, _misread(rng))
        table[name] = slips.blank(read, rng.random(n) < _NAME_MISSING)
    in_flats = table["address_line_3"].is_valid()
    first, second = (pc.utf8_upper(table[f"address_line_{line}"]) for line in (1, 2))
    twice = {"pattern": r"^(FLAT )?(\d*)(\d)", "replacement": r"\1\2\3\3"}
    first = slips.apply(first, rng.random(n) < _HOUSE_MISREAD, lambda t: pc.replace_substring_regex(t, **twice))
    unknown = rng.random(n) < _ADDRESS_MISSING
    table["address_line_1"] = slips.blank(first, unknown)
    table["address_line_2"] = slips.blank(pc.if_else(in_flats, second, pa.scalar(None, pa.string())), unknown)
    table["postcode"] = pc.replace_substring(table["postcode"], " ", "")
    no_day = rng.random(n) < _DAY_MISSING
    table["birth_date"] = slips.apply(table["birth_date"], no_day, lambda t: pc.utf8_slice_codeunits(t, 0, 7))
    return pa.table({name: table[name] for name in _COLUMNS.split()})


def _misread(rng: np.random.Generator) -> Callable[[pa.Array], pa.Array]:
    """One letter taken for another all through the name."""
    own = rng.spawn(1)[0]
    pairs = _CONFUSED.split()

    def change(texts: pa.Array) -> pa.Array:
        # The first pair whose letter stands in the name, beginning with a random pair.
        start = own.integers(0, len(pairs), len(texts))
        read, done = texts, np.zeros(len(texts), np.bool_)
        for step in range(len(pairs)):
            for place, pair in enumerate(pairs):
                has = np.asarray(pc.match_substring(texts, pair[0]))
                chosen = (start + step) % len(pairs) == place
                now = chosen & has & ~done
                read = pc.if_else(pa.array(now), pc.replace_substring(texts, pair[0], pair[1]), read)
                done |= now
        return read

    return change
