"""A whole project in one file, and back.

In: a project folder that nobody writes in, which locks see to. Out: a zip file, encrypted where that is asked for,
whole or not at all. Begin with `making.backup`, `restoring.restore` and `restoring.verify`; `archive` and `seal` are
the form of the file, `contents` says what belongs to it. Keys are never in it: they lie outside the project and are
kept apart (`caretrace keys escrow`).
"""
