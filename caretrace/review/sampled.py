"""What people said of a sample drawn for evaluation: `caretrace review export --sample`, then `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from caretrace.review.ledger import read

if TYPE_CHECKING:
    import pyarrow as pa


def sampled(path: Path, *, run_id: str) -> pa.Table:
    """The answers to every sample drawn from the run, as they stand in the file of decisions; no rows where none were.

    A row is a client and one of the candidates shown. Columns: source, source_org, record_id, register_source,
    register_source_org, register_record_id, nhs_number (the candidate's); verdict ('same', 'different', 'cannot tell'
    or 'disagreed'); blind; and what was written down when it was drawn: sample_id (one for each draw), decision (the
    run's, for the client), rank and probability (of the candidate), stratum, size (clients in the stratum) and drawn
    (clients drawn from it). A drawn client thus stands for size / drawn clients of its stratum. A client drawn but not
    answered yet has no row, so fewer clients than `drawn` may be found.

    Raises IntegrityFailure where the file was altered or cut short.
    """
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    kinds = {
        **dict.fromkeys(("source", "source_org", "record_id"), text),
        **dict.fromkeys(("register_source", "register_source_org", "register_record_id", "nhs_number"), text),
        **{"verdict": text, "blind": pa.bool_(), "sample_id": text, "decision": text, "rank": whole},
        **{"probability": real, "stratum": text, "size": whole, "drawn": whole},
    }
    latest: dict[tuple[object, object], dict[str, Any]] = {}
    for each in read(path).valid:
        made = each.made
        if made.sample is None or made.sample["run_id"] != run_id:
            continue
        latest[made.sample["sample_id"], made.pair] = {
            **made.client._asdict(),
            **{f"register_{name}": value for name, value in made.register._asdict().items()},
            "nhs_number": made.nhs_number,
            "verdict": made.verdict,
            "blind": made.blind,
            **{name: made.sample[name] for name in kinds if name in made.sample},
        }
    return pa.Table.from_pylist(list(latest.values()), schema=pa.schema(kinds))
