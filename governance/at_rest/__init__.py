"""Files with identifiers encrypted where they stand: what a stolen disk or a lost backup holds nobody can read.

A project says so in caretrace.toml:

    [at_rest]
    encrypt = true

From then on every file with identifiers below the project folder is an age file (age-encryption.org/v1) under its own
name, and no plain text of it ever stands there. What a command works on stands in its workshop, a folder in memory (or
on a volume the project names), and goes with the command. Begin here:

    at_rest.readable(path)               the file itself, or its plain text in the workshop
    with at_rest.written(path) as draft  a name to write plain text under, which is encrypted to `path`

`rule` says what a project wants, `workshop` is where plain text is, `sealing` encrypts and opens, `folder` gives a run
a key of its own that `caretrace purge` destroys. The project's key is kept by `governance.keys`.
"""

from __future__ import annotations

from governance.at_rest.folder import KEY_FILE, FolderKey, secrets_for, shred
from governance.at_rest.reading import plain_folder, read_bytes, readable, readable_once, take_plain
from governance.at_rest.replacing import plain_of, seal_in_place
from governance.at_rest.rule import Rule, of, rule_for
from governance.at_rest.sealing import is_sealed
from governance.at_rest.spilling import spilling
from governance.at_rest.workshop import begin, close, place
from governance.at_rest.writing import copy, plain_draft, seal_draft, write_durably, written

__all__ = [
    "KEY_FILE",
    "FolderKey",
    "Rule",
    "begin",
    "close",
    "copy",
    "is_sealed",
    "of",
    "place",
    "plain_draft",
    "plain_folder",
    "plain_of",
    "read_bytes",
    "readable",
    "readable_once",
    "rule_for",
    "seal_draft",
    "seal_in_place",
    "secrets_for",
    "shred",
    "spilling",
    "take_plain",
    "write_durably",
    "written",
]
