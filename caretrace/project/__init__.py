"""A project: the folder that a council keeps, what its caretrace.toml says, and the lock that one run at a time holds.

In: a folder. Out: `Project`, and `Settings` of what its caretrace.toml says. Begin with `find` and `settings.load`;
`template` is what `caretrace init` writes.
"""

from __future__ import annotations

from caretrace.project.place import MARKER, Project, find, keys_folder, locked

__all__ = ["MARKER", "Project", "find", "keys_folder", "locked"]
