"""A client beside the register rows that may be the same person, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np

from linkage.lookup.columns import Array
from linkage.lookup.record import Record
from linkage.lookup.register import NO_TEXT, Register
from linkage.lookup.texts import number_of, pack

_UNHEARD_OF = -2
"""Code of a name that nobody in the register has."""


class Pairs:
    """One client and some register rows; attributes of one value are the client's, arrays the rows'.

    In arrays 0 stands for what is not known, and NO_TEXT for no text.
    """

    def __init__(self, client: Record, register: Register, rows: Array) -> None:
        self.client, self.register, self.rows = client, register, rows
        self._texts: dict[int, str] = {}
        fields = register.fields
        self.nhs, self.gender = fields["nhs"].values[rows], fields["gender"].values[rows]
        self.given, self.family = fields["given"].values[rows], fields["family"].values[rows]
        self.birth_year, self.birth_month = fields["birth_year"].values[rows], fields["birth_month"].values[rows]
        self.birth_day = fields["birth_day"].values[rows]
        self.unit, self.house = fields["unit"].values[rows], fields["house"].values[rows]
        self.given_code, self.family_code = self._code(client.given), self._code(client.family)
        self.unit_packed = pack(client.unit) if client.unit else 0
        self.other_units_packed = [pack(unit) for unit in client.other_units]
        self.house_key = number_of(client.house) if client.house else 0

    def __len__(self) -> int:
        return len(self.rows)

    def _code(self, name: str | None) -> int:
        code = self.register.names.code(name) if name else None
        return _UNHEARD_OF if code is None else code

    def codes(self, names: Iterable[str]) -> list[int]:
        """The codes of those of `names` that the register knows."""
        return [code for name in names if (code := self._code(name)) != _UNHEARD_OF]

    def text(self, code: int) -> str:
        """The name behind a code."""
        if code not in self._texts:
            self._texts[code] = self.register.names.text(code)
        return self._texts[code]

    def test_names(self, codes: Array, name: str | None, test: Callable[[str, str], bool]) -> Array:
        """Whether `test` holds of the client's `name` and each row's, asked once for each distinct name."""
        if name is None:
            return np.zeros(len(codes), bool)
        held: dict[int, bool] = {NO_TEXT: False}
        listed = codes.tolist()
        for code in listed:
            if code not in held:
                held[code] = test(name, self.text(code))
        return np.array([held[code] for code in listed], bool)

    def any_listed(self, column: str, wanted: Sequence[int]) -> Array:
        """Whether the row's list in `column` holds any of `wanted`."""
        values, owner = self._listed(column)
        found = np.zeros(len(self.rows), bool)
        found[owner[np.isin(values, np.array(wanted, values.dtype))]] = True
        return found

    def _listed(self, column: str) -> tuple[Array, Array]:
        return self.register.lists[column].take(self.rows)

    @cached_property
    def row_list(self) -> list[int]:
        """The rows as Python numbers."""
        return [int(row) for row in self.rows.tolist()]
