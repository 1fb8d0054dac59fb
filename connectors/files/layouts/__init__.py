"""How records stand in a text: one module for each way, and what they all give.

A layout is a function of blocks of UTF-8 text (what is no text in it is a NUL), the kind of file and its header; it
gives `Rows` block by block. `Layout.DELIMITED` is the usual one. None loops over sound records: columns do the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from connectors.files.header import Header
from connectors.files.records import Rejected

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.supplier import Kind


NOT_JSON = "not valid JSON"


class Layout(Enum):
    """How the records of a kind of file stand in its text."""

    DELIMITED = "values parted by a delimiter, under a header or under the titles of `Kind.headerless`"
    LINES = "a record a line: the field `text`, untrimmed at its left, and the fields of `Kind.positions`"
    MESSAGES = "an HL7 version 2 message a record: the segments and their fields that the kind declares"
    RESOURCES = "a FHIR resource a record: the fields `resource_type` and `json`"


@dataclass(frozen=True)
class Rows:
    """Records of one block: text columns with `record` and `line` (null where lines mean nothing), and the rejected."""

    table: pa.Table
    rejected: tuple[Rejected, ...] = ()
    more: str | None = None
    """What says in the text itself that there are records elsewhere."""

    @property
    def records(self) -> int:
        """Records met, rejected ones included."""
        return int(self.table.num_rows) + len(self.rejected)


Reader: TypeAlias = "Callable[[Iterator[bytes], Kind, Header], Iterator[Rows]]"


def reader(layout: Layout) -> Reader:
    """The function that reads a layout; imported when it is needed."""
    if layout is Layout.DELIMITED:
        from connectors.files.layouts.delimited import read
    elif layout is Layout.LINES:
        from connectors.files.layouts.lines import read
    elif layout is Layout.MESSAGES:
        from connectors.files.layouts.messages import read
    else:
        from connectors.files.layouts.resources import read
    return read
