"""What the work leaves behind: records set aside, values not used, links, and person keys."""

from __future__ import annotations

from schemas.codes import DECISION, SET_ASIDE_KIND
from schemas.person import KEY_COLUMNS
from schemas.table import Column, Identifies, Table, Type

SET_ASIDE = Table(
    "SET_ASIDE",
    "one row per input record that is not used, and why; never a value",
    (
        Column("source", Type.TEXT, "The kind of system the record comes from."),
        Column("source_org", Type.TEXT, "Which organisation's copy, where it is known by then."),
        Column("kind", Type.TEXT, "Whether it could not be read or was left out by a rule.", codes=SET_ASIDE_KIND),
        Column("extract_file", Type.TEXT, "Name of the file."),
        Column(
            "extract_record",
            Type.INTEGER,
            "Number of the record in that file, the header not counted, from 1.",
        ),
        Column(
            "extract_line",
            Type.INTEGER,
            "Line of the file on which the record begins, the header being line 1.",
        ),
        Column("columns", Type.TEXT, "Columns at fault, separated by commas; empty where the whole record is."),
        Column("rule", Type.TEXT, "The rule, in plain words."),
    ),
)

DATA_QUALITY = Table(
    "DATA_QUALITY",
    "one row per value of a used record that is not used or is doubtful, and why; never the value",
    (
        *KEY_COLUMNS,
        Column("column", Type.TEXT, "The standard column concerned."),
        Column("issue", Type.TEXT, "What is wrong, in plain words."),
        Column(
            "used",
            Type.FLAG,
            "True where the value is used all the same (a warning); false where it became null.",
        ),
        Column("extract_file", Type.TEXT, "Name of the file."),
        Column("extract_record", Type.INTEGER, "Number of the record in that file, from 1."),
        Column("extract_line", Type.INTEGER, "Line of the file on which the record begins."),
    ),
)

LINK = Table(
    "LINK",
    "one row per client record",
    (
        Column("run_id", Type.TEXT, "Hash of inputs, settings, model and seed."),
        *KEY_COLUMNS,
        Column("decision", Type.TEXT, "What was decided.", codes=DECISION, required=True),
        Column("nhs_number", Type.TEXT, "The accepted number; only where decision is link.", Identifies.DIRECT),
        Column(
            "candidate_nhs_number",
            Type.TEXT,
            "Number of the best candidate, also for review.",
            Identifies.DIRECT,
        ),
        Column("register_source", Type.TEXT, "Source of the best candidate's register row."),
        Column("register_source_org", Type.TEXT, "Organisation of the best candidate's register row."),
        Column(
            "register_record_id",
            Type.TEXT,
            "record_id of the best candidate's register row.",
            Identifies.DIRECT,
        ),
        Column(
            "method",
            Type.TEXT,
            "Name of the deterministic pass, or 'probabilistic'; 'review' where a person decided, 'trace' where the"
            " national service gave the number. Null without a candidate.",
        ),
        Column("weight", Type.REAL, "Match weight of the best candidate in bits, prior included."),
        Column(
            "probability",
            Type.REAL,
            "Probability that the best candidate is the client, against all others and nobody.",
        ),
        Column("runner_up_nhs_number", Type.TEXT, "Number of the next best candidate.", Identifies.DIRECT),
        Column("runner_up_probability", Type.REAL, "Its probability."),
        Column("levels", Type.LEVELS, "The level reached on each comparison with the best candidate."),
        Column("reason", Type.TEXT, "Why it is review or none, in plain words. Null for a link."),
        Column("model_id", Type.TEXT, "Hash of the model used."),
        Column("decided_by", Type.TEXT, "Who decided, where a person did."),
        Column("decided_at", Type.TIME, "When a person decided. Null otherwise."),
    ),
    key=("source", "source_org", "record_id"),
)

CANDIDATE = Table(
    "CANDIDATE",
    "one row per client record and register person considered for it, the likeliest few of them",
    (
        *KEY_COLUMNS,
        Column("rank", Type.INTEGER, "Place among the client's candidates, from 1.", required=True),
        Column("nhs_number", Type.TEXT, "The candidate's NHS number. Null where it has none.", Identifies.DIRECT),
        Column("register_source", Type.TEXT, "Source of the candidate's best register row."),
        Column("register_source_org", Type.TEXT, "Organisation of that row."),
        Column("register_record_id", Type.TEXT, "record_id of that row.", Identifies.DIRECT),
        Column("method", Type.TEXT, "Name of the deterministic pass that holds for the pair, or 'probabilistic'."),
        Column("weight", Type.REAL, "Match weight in bits: the sum of bits, household_bits and prior_bits."),
        Column("probability", Type.REAL, "Probability that this candidate is the client."),
        Column("levels", Type.LEVELS, "The level reached on each comparison that says something."),
        Column("bits", Type.BITS, "What each of those comparisons adds: log2(m / u), with the pair's own frequencies."),
        Column("household_bits", Type.REAL, "What the household explanation takes away; never above 0."),
        Column("prior_bits", Type.REAL, "Log2 odds before anything was compared."),
    ),
    key=("source", "source_org", "record_id", "rank"),
)

VERDICT = Table(
    "VERDICT",
    "one row per client record and register person that somebody decided about, as it stands today",
    (
        *KEY_COLUMNS,
        Column("register_source", Type.TEXT, "Source of the register row looked at."),
        Column("register_source_org", Type.TEXT, "Organisation of that row."),
        Column("register_record_id", Type.TEXT, "record_id of that row.", Identifies.DIRECT),
        Column("nhs_number", Type.TEXT, "The register person's NHS number. Null where none.", Identifies.DIRECT),
        Column(
            "verdict",
            Type.TEXT,
            "What was decided.",
            codes={"same": "one person", "different": "two people"},
            required=True,
        ),
        Column("decided_by", Type.TEXT, "Who decided."),
        Column("decided_at", Type.TIME, "When, in UTC."),
    ),
)

PERSON_KEY = Table(
    "PERSON_KEY",
    "one row per source record of either side: which person it belongs to",
    (
        Column(
            "person_key",
            Type.TEXT,
            "Our own id of the person: 128 random bits in hex, never made from identifiers.",
            Identifies.DIRECT,
        ),
        *KEY_COLUMNS,
        Column(
            "side",
            Type.TEXT,
            "Which list the record came from.",
            codes={"client": "the clients to be matched", "register": "the register matched against"},
        ),
        Column(
            "nhs_number",
            Type.TEXT,
            "The person's NHS number, linked or held. Null where none.",
            Identifies.DIRECT,
        ),
    ),
    key=("source", "source_org", "record_id", "side"),
)
