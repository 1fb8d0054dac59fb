"""Draws a client list and a GP register from one true population, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caretrace.synthetic import events, numbers, population, records, slips
from caretrace.synthetic.people import NONE, Kind, People
from caretrace.synthetic.population import Population
from caretrace.synthetic.rates import DEFAULT, Errors
from caretrace.synthetic.records import Who
from schemas import SettingsError

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

AS_AT = date(2026, 10, 1)
"""The day of the extracts, unless the caller says another."""

_COLUMNS = (
    "record_id nhs_number nhs_number_status family_name given_name middle_names previous_family_name birth_date gender "
    "death_date address_line_1 address_line_2 address_line_3 postcode gp_practice_code phone email ethnicity restricted"
)

# How much likelier than a grown-up of working age somebody is to be a client, from the given age on [assumed, after
# the age pattern of adult social care]; children stand for those in transition.
_CLIENT_WEIGHTS = ((0, 0.15), (14, 0.5), (18, 1.0), (65, 3.0), (75, 9.0), (85, 25.0))


@dataclass(frozen=True)
class Synthetic:
    """What `make` gives: tables of text columns as PERSON, ADDRESS and SERVICE declare them, and the truth.

    `truth` has one row for each client record: record_id, person_id, nhs_number (the person's true number),
    in_register (whether that person has a register row) and register_record_id (that row; of two, the one at the
    present practice). `register_truth` has one for each register row: record_id and person_id.
    """

    clients: pa.Table
    register: pa.Table
    truth: pa.Table
    register_truth: pa.Table
    client_addresses: pa.Table
    register_addresses: pa.Table
    client_services: pa.Table
    as_at: date
    seed: int


@dataclass(frozen=True)
class Town:
    """The true population, and whose each row of the two lists is."""

    society: Population
    clients: Integers
    """The person of each client record."""
    register: Integers
    """The person of each register row."""
    second: Flags
    """Register rows of people who have another, at the practice they have joined since."""


def make(clients: int, register: int, *, seed: int, errors: Errors = DEFAULT, as_at: date = AS_AT) -> Synthetic:
    """A client list of `clients` rows and a register of `register` rows; the same seed gives the same tables.

    Raises SettingsError where the numbers cannot be met: clients must leave room in the population.
    """
    return make_town(clients, register, seed=seed, errors=errors, as_at=as_at)[0]


def make_town(clients: int, register: int, *, seed: int, errors: Errors, as_at: date) -> tuple[Synthetic, Town]:
    """As `make`, and the people behind the lists, for whoever lets time pass in it."""
    client_people = max(1, round(clients / (1 + errors.duplicate_clients)))
    absent = round(client_people * errors.not_in_register)
    registered = max(1, round(register / (1 + errors.two_practices)))
    people_needed = registered + absent
    if clients < 1 or register < 1 or client_people > people_needed * 0.8:
        raise SettingsError(
            f"{clients:,} clients do not fit a register of {register:,} rows; ask for at least one of each, and for a"
            " register about half as large again as the client list"
        )
    # A stream for each part, so that a change in one leaves the others as they were.
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]
    society = population.make(streams[0], people_needed, as_at)
    chosen = _choose_clients(streams[1], society, client_people)
    missing = np.sort(streams[1].permutation(chosen)[:absent])
    client_who = _clients(streams[1], chosen, clients)
    register_who, second = _register(streams[1], society, missing, register)
    client = _client_table(streams[2], society, client_who, errors)
    patient = _register_table(streams[3], society, register_who, second, errors)
    truth = _truth(society.people, client_who, missing)
    found = register_ids(client_who.people, Who(register_who.people, second), patient["record_id"])
    synthetic = Synthetic(
        clients=pa.table({name: client[name] for name in _COLUMNS.split()}),
        register=pa.table({name: patient[name] for name in _COLUMNS.split()}),
        truth=pa.table({"record_id": client["record_id"], **truth, "register_record_id": found}),
        register_truth=pa.table({"record_id": patient["record_id"], "person_id": person_ids(register_who.people)}),
        client_addresses=events.addresses(streams[4], society, client, client_who.people, held=0.6),
        register_addresses=events.addresses(streams[4], society, patient, register_who.people, held=0.8),
        client_services=events.services(streams[4], society, client, client_who.people),
        as_at=as_at,
        seed=seed,
    )
    return synthetic, Town(society, client_who.people, register_who.people, second)


def _choose_clients(rng: np.random.Generator, society: Population, n: int) -> Integers:
    """`n` people, the old far likelier than the young, none twice (Efraimidis and Spirakis 2006, weighted sampling)."""
    age = ((society.as_at - date(1970, 1, 1)).days - society.people.born) / 365.25
    starts, weights = zip(*_CLIENT_WEIGHTS, strict=True)
    weight = np.array(weights)[np.searchsorted(np.array(starts), age, side="right") - 1]
    weight = weight * np.where(society.people.kind == Kind.CARE_HOME, 3.0, 1.0)
    key = rng.exponential(size=len(age)) / weight
    return np.sort(np.argpartition(key, n - 1)[:n])


def _clients(rng: np.random.Generator, chosen: Integers, rows: int) -> Who:
    """A record for each, some with another one under a second id, in no order."""
    again = rng.permutation(chosen)[: rows - len(chosen)]
    of = np.concatenate([chosen, again])[:rows]
    return Who(of[rng.permutation(len(of))], np.zeros(len(of), np.bool_))


def _register(rng: np.random.Generator, society: Population, missing: Integers, rows: int) -> tuple[Who, Flags]:
    """A row for each but the missing; some have another at the practice they left, with the former address."""
    there = np.setdiff1d(np.arange(len(society.people)), missing, assume_unique=True)
    moved = there[society.people.previous_home[there] != NONE]
    extra = rows - len(there)
    again = rng.permutation(moved if len(moved) >= extra else there)[:extra]
    of, second = np.concatenate([there, again])[:rows], np.arange(rows) >= len(there)
    order = rng.permutation(len(of))
    return Who(of[order], second[order]), second[order]


def _client_table(rng: np.random.Generator, society: Population, who: Who, errors: Errors) -> dict[str, pa.Array]:
    table = records.view(rng, society, who, errors)
    n = len(who.people)
    # Ids in the order people became known, which says nothing about who they are.
    table["record_id"] = numbers.as_text(rng.permutation(n) * 3 + 100_003)
    table["nhs_number"] = records.client_numbers(rng, society.people, who.people, errors)
    held = table["nhs_number"].is_valid()
    verified = pc.if_else(pa.array(rng.random(n) < 0.6), "01", "02")
    table["nhs_number_status"] = pc.if_else(held, verified, pa.scalar(None, pa.string()))
    practice = society.places.practice(society.people.home[who.people])
    table["gp_practice_code"] = pc.if_else(pa.array(rng.random(n) < 0.5), practice, pa.scalar(None, pa.string()))
    return table


def _register_table(
    rng: np.random.Generator, society: Population, who: Who, second: Flags, errors: Errors
) -> dict[str, pa.Array]:
    table = records.view(rng, society, who, errors.register())
    n, people = len(who.people), society.people
    table["record_id"] = numbers.as_text(rng.permutation(n) + 1, 8, "R")
    number = numbers.as_text(people.nhs_number[who.people])
    missing = pa.array(rng.random(n) < errors.register_nhs_number_missing)
    table["nhs_number"] = pc.if_else(missing, pa.scalar(None, pa.string()), number)
    table["nhs_number_status"] = pc.if_else(missing, "03", "01")
    home = people.home[who.people]
    here = society.places.practice(home)
    # A second row whose person never moved belongs to a practice across the border.
    former = people.previous_home[who.people]
    elsewhere = np.where(former != NONE, former, (home + society.places.homes // 2) % society.places.homes)
    table["gp_practice_code"] = pc.if_else(pa.array(second), society.places.practice(elsewhere), here)
    return table


def register_ids(people: Integers, register: Who, ids: pa.Array) -> pa.Array:
    """The register row of each of `people`, null where there is none; not a row at an old address if there are two."""
    order = np.lexsort((register.at_old_address, register.people))
    held = register.people[order]
    at = np.minimum(np.searchsorted(held, people, side="left"), len(held) - 1)
    return slips.blank(ids.take(pa.array(order[at])), held[at] != people)


def person_ids(people: Integers) -> pa.Array:
    """What the truth calls each of `people`."""
    return numbers.as_text(people + 1, 8, "P")


def _truth(people: People, who: Who, missing: Integers) -> dict[str, pa.Array]:
    return {
        "person_id": person_ids(who.people),
        "nhs_number": numbers.as_text(people.nhs_number[who.people]),
        "in_register": pa.array(~np.isin(who.people, missing)),
    }
