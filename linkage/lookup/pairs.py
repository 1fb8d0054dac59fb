"""A client beside the register rows that may be the same person, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from linkage.lookup.columns import Array
from linkage.lookup.record import Record
from linkage.lookup.register import NO_TEXT, Register
from linkage.lookup.texts import number_of, pack

Mask: TypeAlias = npt.NDArray[np.bool_]
_UNHEARD_OF = -2
"""Code of a text that nobody in the register has."""
_LOOKED_AT = (
    *("nhs", "nhs_entered", "given", "middle", "family", "birth_year", "birth_month", "birth_day", "gender"),
    *("unit", "house", "street", "town", "district"),
)


def is_any(column: Array, wanted: Iterable[int]) -> Mask:
    """Whether each value is one of `wanted`, which are few."""
    found = np.zeros(len(column), bool)
    if len(column):
        for value in wanted:
            found |= column == value
    return found


class Pairs:
    """One client and some register rows: `pairs[column]` is the rows' column, `pairs.client` the client.

    In columns 0 stands for what is not known, and NO_TEXT for no text.
    """

    def __init__(self, client: Record, register: Register, rows: Array) -> None:
        self.client, self.register, self.rows = client, register, rows
        self.texts = register.texts
        self._read: dict[int, str] = {}
        self._fields = {name: column.values[rows] for name, column in register.fields.items() if name in _LOOKED_AT}
        self.given_code, self.family_code = self.code(client.given), self.code(client.family)
        self.middle_code = self.code(client.middle)
        self.unit_packed = pack(client.unit) if client.unit else 0
        self.house_number = number_of(client.house) if client.house else 0
        self.district_number = number_of(client.district) if client.district else 0

    def __getitem__(self, column: str) -> npt.NDArray[np.int64]:
        return self._fields[column]

    def __len__(self) -> int:
        return len(self.rows)

    def code(self, text: str | None) -> int:
        """The code of a text of the client's."""
        code = self.texts.code(text) if text else None
        return _UNHEARD_OF if code is None else code

    def codes(self, texts: Iterable[str | None]) -> list[int]:
        """The codes of those of `texts` that the register knows."""
        return [code for text in texts if (code := self.code(text)) != _UNHEARD_OF]

    def text(self, code: int) -> str:
        """The text behind a code."""
        if code not in self._read:
            self._read[code] = self.texts.text(code)
        return self._read[code]

    def each(self, codes: Array, test: Callable[[str], bool]) -> Mask:
        """Whether `test` holds of each row's text, asked once for each distinct one; not where there is none."""
        held: dict[int, bool] = {NO_TEXT: False}
        listed = codes.tolist()
        for code in listed:
            if code not in held:
                held[code] = test(self.text(code))
        return np.array([held[code] for code in listed], bool)

    def each_with(self, codes: Array, text: str | None, test: Callable[[str, str], bool]) -> Mask:
        """The same of the client's `text` and each row's."""
        if text is None:
            return np.zeros(len(codes), bool)
        return self.each(codes, lambda theirs: test(text, theirs))

    def listed(self, column: str) -> tuple[Array, Array]:
        """The values of the rows' lists in `column`, and the place of the row each belongs to."""
        return self.register.lists[column].take(self.rows)

    def any_listed(self, column: str, wanted: Sequence[int]) -> Mask:
        """Whether the row's list in `column` holds any of `wanted`."""
        values, owner = self.listed(column)
        return self.of_owners(owner[is_any(values, wanted)])

    def of_owners(self, owners: Array) -> Mask:
        """Whether a row is among `owners`."""
        found = np.zeros(len(self.rows), bool)
        found[owners] = True
        return found
