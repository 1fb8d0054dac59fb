"""What can be known of a project, by name: the words that stand for it in a template, and a fact as it was found."""

from __future__ import annotations

from dataclasses import dataclass

KNOWN = {
    "at_rest": "whether its files about people are encrypted where they stand",
    "backups": "when it was last backed up",
    "bases": "the Article 6 and 9 bases and Schedule 1 conditions of its agreements",
    "clients": "how many clients it holds",
    "columns": "the tables and columns read, and how far they identify",
    "confidentiality": "the common law bases of its agreements, for what leaves and for the linkage",
    "controllers": "the controllers that its agreements name",
    "due": "what is due: reviews, destructions, incidents",
    "estimate": "what its newest run expects of its own links: precision, recall, wrong links",
    "forms": "the form, the people and the fields of its agreements",
    "hold": "the limits beyond which a delivery is held",
    "keeper": "who keeps its keys, and which versions there are",
    "log": "how many entries its log has, and how releases were approved",
    "measured": "accuracy as measured: on a sample read by people, or against known truth",
    "model": "the model its newest run used",
    "newest_run": "its newest run",
    "opt_outs": "how its agreements treat the national data opt-out",
    "opt_outs_applied": "how many people were left out of releases for opt-outs, by kind",
    "purposes": "the purposes and benefits that its agreements state",
    "recipients": "the recipients that its agreements name, and what left for them",
    "reference": "the assessment that its agreements refer to",
    "register": "how many people its registers hold",
    "released_to": "who holds a release that was not destroyed",
    "releases": "the releases in its log",
    "retention": "how long it keeps what it holds",
    "retention_of_releases": "until when recipients may keep what they were given",
    "reversals": "who was named again from a pseudonym, and why",
    "review": "how many links waited for a person in its newest run",
    "rules": "the set of rules that releases are held against",
    "runs": "its last runs: links found and sent to people",
    "schedule": "after how many days a delivery is overdue",
    "signatories": "who signed its agreements",
    "systems": "the systems it reads",
    "target": "the share of wrong links it aims at",
    "territory": "where recipients may hold what they were given",
    "version": "the version of caretrace that this was made with",
    "writings": "what was written for own systems and national services",
}
"""Fact to what it is, as said where a project does not say it."""


@dataclass(frozen=True)
class Fact:
    """What a project says, in lines, and where that was found."""

    lines: tuple[str, ...]
    source: str
