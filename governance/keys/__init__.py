"""The secrets of a project: made and read in `store`; changed, escrowed and destroyed, each on record, in `care`."""

from governance.keys.store import Keys, check_apart, create, folder, load, signing_key

__all__ = ["Keys", "check_apart", "create", "folder", "load", "signing_key"]
