"""The order of the work, as the seam between engines wants it (`linkage.engine.Engine`): `sample`, then `score`."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from linkage.batch import Scored
from linkage.blocking import RULES, RuleFacts
from linkage.frequencies import Frequencies
from linkage.model import Model
from linkage.train import training_clients_sql
from schemas.errors import SettingsError
from schemas.progress import Progress

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MOST_PAIRS = 1_000_000
"""Pairs are compared in memory, all at once, at some four thousand bytes each [measured]; lists that make more of them
belong in DuckDB [assumed]."""


@dataclass
class RecordLinkageEngine:
    """See `linkage.engine.Engine`; keeps the pairs from `sample` until `score`."""

    most_pairs: int = MOST_PAIRS
    """More candidate pairs than this are refused; pairs that several rules make count for each."""
    _pair_level: pd.DataFrame | None = field(default=None, init=False, repr=False)
    _rules: tuple[RuleFacts, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError where recordlinkage is not installed: before anything is read."""
        if find_spec("recordlinkage") is None:
            raise SettingsError(
                "the recordlinkage engine is not installed: pip install 'caretrace[recordlinkage]', or use"
                " --engine duckdb"
            )

    @property
    def name(self) -> str:
        """As users choose it."""
        return "recordlinkage"

    def sample(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, *, seed: int
    ) -> None:
        """Compare every pair, and make `pair_level` for the training clients.

        SettingsError where the model brings comparisons of its own, and where the lists would make too many pairs.
        """
        from linkage.reference import levels, pairs, records, weights

        comparisons = [each.comparison for each in model.comparisons]
        written = levels.references(records.nicknames(connection))
        levels.require_known(comparisons, written)
        clients, register = (records.read(connection, side) for side in ("clients", "register"))
        made, self._rules = pairs.make(RULES, clients, register, most=self.most_pairs)
        made = pairs.with_confirmed(made, records.verdicts(connection, "confirmed"))
        compared = pairs.compare(made, clients, register, {each.column: each.name for each in comparisons}, written)
        if model.systems:
            places = {source: place for place, source in enumerate(model.sources, 1)}
            system = clients.loc[compared["c"], "source"].map(places).fillna(0).astype("uint8")
            compared = compared.assign(client_system=system.to_numpy())
        self._pair_level = weights.with_frequencies(
            compared, clients, register, frequencies, records.shares(connection) if frequencies.population else None
        )
        of_training = self._pair_level["c"].isin(records.ids(connection, training_clients_sql(seed)))
        records.write(connection, "pair_level", pairs.known(self._pair_level[of_training], model))

    def score(
        self, connection: duckdb.DuckDBPyConnection, model: Model, frequencies: Frequencies, progress: Progress
    ) -> Scored:
        """Make `ranked`."""
        from linkage.reference import decide, records, weights

        if self._pair_level is None:
            raise RuntimeError("score comes after sample, once")
        pair_level, self._pair_level = self._pair_level, None
        with progress.stage("Weighing"):
            weighed = pair_level.assign(**weights.weigh(pair_level, model, frequencies.people))
            ruled_out, confirmed = (records.verdicts(connection, name) for name in ("ruled_out", "confirmed"))
            records.write(connection, "ranked", decide.rank(weighed, model, ruled_out, confirmed))
        return Scored(len(pair_level), self._rules)
