"""Candidate pairs by the shipped blocking rules, and the levels they reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from linkage.blocking import AnyOf, BlockingRule, RuleFacts
from linkage.model import Model
from linkage.reference import toolkit
from linkage.reference.levels import NOTHING, Reference
from schemas.errors import SettingsError


def make(
    rules: Sequence[BlockingRule], clients: pd.DataFrame, register: pd.DataFrame, *, most: int
) -> tuple[pd.DataFrame, tuple[RuleFacts, ...]]:
    """The pairs (c, r, first), each once, `first` where a first rule makes it; and what each rule found.

    SettingsError, before any pair is made, where there would be more than `most`.
    """
    keyed = [(rule, *_keys(rule, clients, register)) for rule in rules]
    facts = tuple(fact for _, _, _, fact in keyed)
    if (total := sum(fact.pairs for fact in facts)) > most:
        raise SettingsError(
            f"the blocking rules would make {total:,} pairs of these lists, and the recordlinkage engine takes no more"
            f" than {most:,}: use --engine duckdb, which has no such limit"
        )
    made = [_NO_PAIRS]
    for rule, left, right, fact in keyed:
        if not fact.pairs:
            continue
        pairs = toolkit.block(left, right, len(rule.client))
        made.append(
            pd.DataFrame(
                {
                    "c": left["id"].loc[pairs.get_level_values(0)].to_numpy(),
                    "r": right["id"].loc[pairs.get_level_values(1)].to_numpy(),
                    "first": rule.first,
                }
            )
        )
    return _once(_stacked(made)), facts


def with_confirmed(pairs: pd.DataFrame, confirmed: pd.DataFrame) -> pd.DataFrame:
    """`pairs`, and those that a person confirmed, whatever the records share."""
    return _once(_stacked([pairs, confirmed[["c", "r"]].assign(first=True)]))


_NO_PAIRS = pd.DataFrame({"c": [], "r": [], "first": []}).astype({"c": np.int64, "r": np.int64, "first": bool})


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One below the other; pandas 2 and 3 differ on what kind of column an empty one makes, so those are left out."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0].reset_index(drop=True)


def _once(pairs: pd.DataFrame) -> pd.DataFrame:
    """Each pair once, `first` where it is so anywhere."""
    return pairs.groupby(["c", "r"], as_index=False).agg({"first": "any"})


def compare(
    pairs: pd.DataFrame,
    clients: pd.DataFrame,
    register: pd.DataFrame,
    columns: Mapping[str, str],
    references: Sequence[Reference],
) -> pd.DataFrame:
    """`pairs` with r_key, person and, for each of `columns` (column: comparison), the place of the level reached."""
    named = {each.name: each for each in references}
    index = pd.MultiIndex.from_arrays([pairs["c"], pairs["r"]])
    found = toolkit.compare(index, clients, register, [(column, named[name]) for column, name in columns.items()])
    rows = register.loc[pairs["r"]]
    own = -rows["id"].to_numpy(np.int64) - 1
    return pairs.assign(
        r_key=rows["key"].to_numpy(),
        person=np.where(rows["nhs"].notna(), rows["nhs"].fillna(0), own).astype(np.int64),
        **{column: found[column].to_numpy() for column in columns},
    )


def known(frame: pd.DataFrame, model: Model) -> pd.DataFrame:
    """`frame` with level codes as the store holds them: null where a comparison says nothing."""
    columns = [each.comparison.column for each in model.comparisons]
    return frame.assign(**{name: frame[name].mask(frame[name] == NOTHING).astype("UInt8") for name in columns})


def _keys(
    rule: BlockingRule, clients: pd.DataFrame, register: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, RuleFacts]:
    """Both sides' keys under `rule`, one row a key, without those that too many register rows share."""
    left, right = _parts(clients, rule.client), _parts(register, rule.register_parts)
    keys = list(left.columns[:-1])
    right.columns = left.columns
    sizes = pd.concat(
        [left.groupby(keys).size().rename("clients"), right.groupby(keys).size().rename("rows")], axis=1, join="inner"
    )
    large = sizes[sizes["rows"] > rule.max_register_rows]
    usual = sizes[sizes["rows"] <= rule.max_register_rows]
    facts = RuleFacts(rule.name, _product(usual), len(large), _product(large))
    kept = [side[side.set_index(keys).index.isin(usual.index)].reset_index(drop=True) for side in (left, right)]
    return kept[0], kept[1], facts


def _product(sizes: pd.DataFrame) -> int:
    return int((sizes["clients"] * sizes["rows"]).sum())


def _parts(records: pd.DataFrame, parts: Sequence[str | AnyOf]) -> pd.DataFrame:
    """A column for each part of the key and `id`; a record that has a part several times has several rows."""
    versions = product(
        *([part] if isinstance(part, str) else filter(None, (part.usual, part.others)) for part in parts)
    )
    lists = {part.others for part in parts if isinstance(part, AnyOf)}
    frames = []
    for version in versions:
        frame = pd.DataFrame({f"key_{place}": records[column] for place, column in enumerate(version)})
        frame["id"] = records["id"]
        for place, column in enumerate(version):
            if column in lists:
                frame = frame.explode(f"key_{place}")
        frames.append(frame.dropna())
    return _stacked(frames)
