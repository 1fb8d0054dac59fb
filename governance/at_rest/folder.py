"""A run's own key, in the run's folder, itself encrypted with the project's key.

All files of the folder are encrypted with it, so that overwriting this one short file ends them all, before the long
work of removing them. A copy of the folder made before holds a copy of it too, and can be read until it lapses.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from governance import encryption
from governance.at_rest import sealing
from governance.files import sync_folder, write_durably

KEY_FILE = "at-rest.key"


@dataclass(frozen=True)
class FolderKey:
    """The public half, to which files are encrypted, and the secret half as it stands in the folder."""

    public: str
    wrapped: bytes

    @classmethod
    def new(cls) -> FolderKey:
        """SettingsError where the project has no key for data at rest."""
        import pyrage

        # Imported here: not every command needs keys.
        from governance.keys import at_rest as project_key

        identity = pyrage.x25519.Identity.generate()
        return cls(str(identity.to_public()), encryption.encrypted(str(identity).encode(), project_key.public()))

    @classmethod
    def of(cls, folder: Path) -> FolderKey:
        """The one that the folder holds, or else a new one, which it holds from then on."""
        import pyrage

        if not (folder / KEY_FILE).is_file():
            cls.new().put(folder)
        # The folder's own comes first.
        identity = pyrage.x25519.Identity.from_str(secrets_for(folder / KEY_FILE)[0])
        return cls(str(identity.to_public()), (folder / KEY_FILE).read_bytes())

    def seal(self, plain: Path, to: Path) -> None:
        """Write the new file `to`, which holds `plain` encrypted."""
        sealing.seal(plain, to, self.public)

    def put(self, folder: Path) -> None:
        """Keep it in the folder."""
        write_durably(folder / KEY_FILE, self.wrapped)


def secrets_for(path: Path) -> list[str]:
    """The age secrets that may open the file at `path`: its folder's own before those of the project.

    SettingsError where the project's are missing or are others.
    """
    from governance.keys import at_rest as project_key

    project = project_key.secrets()
    for folder in path.parents:
        key = folder / KEY_FILE
        if key.is_file():
            return [sealing.opened(key.read_bytes(), project, key).decode("ascii"), *project]
        if (folder / "caretrace.toml").is_file():
            break
    return project


def shred(folder: Path) -> None:
    """End the folder's own key, where it has one: nothing in it can be opened from then on."""
    key = folder / KEY_FILE
    if not key.is_file():
        return
    with key.open("r+b") as file:
        file.write(bytes(key.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    key.unlink()
    sync_folder(folder)
