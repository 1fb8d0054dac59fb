"""Counts as the command line says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape


def several(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> several(1, "record"), several(1_200, "person", "people")
    ('1 record', '1,200 people')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def counted(side: Mapping[str, int]) -> str:
    """One side's records as a sum that a reader can check."""
    return (
        f"{several(side['records'], 'record')} read = {side['used']:,} used + {side['rejected']:,} rejected"
        f" + {side['excluded']:,} excluded; {several(side['people'], 'person', 'people')}"
    )


def as_html(text: str) -> str:
    """A sentence for a page: escaped, what stands in backticks as code.

    >>> as_html("a < b: `caretrace run`")
    'a &lt; b: <code>caretrace run</code>'
    """
    return re.sub("`([^`\n]+)`", r"<code>\1</code>", escape(text))
