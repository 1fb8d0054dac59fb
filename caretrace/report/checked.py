"""The page of a check: what was read, what to mend, how complete the fields are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caretrace.quality import Quality
from caretrace.quality.trend import Trend
from caretrace.report import completeness_chart, environment, mending, tables
from caretrace.version import __version__


def render(read: Mapping[str, Any], quality: Quality, trend: Trend | None) -> str:
    """The page as text; `read` is what `Checked.to_json` gives."""
    files = [
        {"side": side, **file}
        for side, name in (("client", "read"), ("register", "register"))
        if name in read
        for file in read[name]["files"]
    ]
    return (
        environment()
        .get_template("checked.html.j2")
        .render(
            quality=quality,
            version=__version__,
            records=sum(source.records for source in quality.sources),
            organisations=len(quality.sources),
            both=len({source.side for source in quality.sources}) > 1,
            mending=mending.section(quality, trend),
            completeness_chart=completeness_chart(quality),
            completeness=tables.completeness(quality),
            issues=tables.issues(quality),
            set_aside=tables.set_aside(quality),
            inputs=tables.inputs(files),
            file_notes=tables.file_notes(files),
        )
    )
