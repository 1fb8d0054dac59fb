"""Resources read the short way, a line or an entry each, are those of the long way, which takes every text apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.layouts import NOT_JSON, resources


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def texts(*lines: str) -> pa.Array:
    return pa.array(lines, pa.large_string())


def rows(found: pa.Table, unproved: frozenset[int] = frozenset()) -> list[tuple[Any, ...]]:
    """Line, type, rule and what is held of each, in order; of lines whose JSON is unproved, that they are Patients."""
    return [
        (row["line"], "Patient", NOT_JSON, False)
        if row["line"] in unproved and row["resource_type"] in ("Patient", None)
        else (row["line"], row["resource_type"], row["rule"], row["rule"] is None and json.loads(row["json"]))
        for row in found.to_pylist()
    ]


_DEEP = '{"resourceType":"Patient","x":' + "[" * 500 + "]" * 500 + "}"
_PATIENT = st.builds(
    lambda name, ends: json.dumps({"resourceType": "Patient", "name": [{"family": name}]}, ensure_ascii=ends),
    st.text(max_size=8),
    st.booleans(),
)
_BUNDLE = st.lists(st.one_of(_PATIENT, st.just('{"id":"1"}')), max_size=3).map(
    lambda held: '{"resourceType":"Bundle","entry":[' + ",".join(f'{{"resource":{each}}}' for each in held) + "]}"
)
_ODD = st.sampled_from(
    [
        "{]",
        "[]",
        "1",
        '"x"',
        '{"id":"1"}',
        '{"resourceType":1}',
        '{"resourceType":null}',
        '{"resourceType":"Patient"',
        '{"resourceType":"Patient"}{"resourceType":"Group"}',
        '{"resourceType":"Patient","resourceType":"Group"}',
        '{"resourceType":"Patient","x":"\x00"}',
        '{"resourceType":"Patient","x":"\\u0000"}',
        '{"resourceType":"Patient","x":"\\ud800"}',
        '{"resourceType":"Patient","x":}',
        '{"resourceType":"Bundle"}',
        '{"resourceType":"Bundle","entry":[{"search":1},{"resource":{"resourceType":"Bundle","entry":[]}}]}',
        '[{"resourceType":"Group"}]',
        " " * 9 + '{"resourceType":"Group"} ',
        _DEEP,
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(_PATIENT, _PATIENT, _BUNDLE, _ODD), min_size=1, max_size=6))
def test_lines(connection: duckdb.DuckDBPyConnection, lines: list[str]) -> None:
    line = np.arange(1, len(lines) + 1)
    short, _ = resources._resources(connection, texts(*lines), line)
    long = resources._exploded(connection, texts(*lines), line)
    # What begins and ends as a Patient is proved as it is parsed: see test_taken.py.
    rules = dict(zip(long["line"].to_pylist(), long["rule"].to_pylist(), strict=True))
    unproved = frozenset(
        at
        for at, text in enumerate(lines, start=1)
        if rules.get(at) == NOT_JSON
        and text.startswith(('{"resourceType":"Patient",', '{"resourceType": "Patient",'))
        and text.endswith("}")
    )
    assert rows(short, unproved) == rows(long, unproved)


@settings(max_examples=60, deadline=None)
@given(st.one_of(_BUNDLE, _ODD, _PATIENT))
def test_documents(connection: duckdb.DuckDBPyConnection, document: str) -> None:
    short = resources._entries(connection, texts(document))
    long = resources._exploded(connection, texts(document), np.ones(1, np.int64))
    assert short is None or rows(short) == rows(long)
    if document.startswith('{"resourceType":"Bundle","entry":[{"resource":'):
        assert short is not None
