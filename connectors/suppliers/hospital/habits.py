"""A hospital's local habits: a TOML file changes the settings of a format by name, and leaves the rest as assumed."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from connectors.suppliers.own_file import read_toml
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)

FORMATS = ("hl7", "sus", "cds")


def changed(assumed: Settings, mapping: Path) -> Settings:
    """The settings with those of `mapping` over them; SettingsError for a name or a kind of value they do not have."""
    given = read_toml(mapping)
    given.pop("source", None)
    names = {field.name for field in fields(assumed)}
    if unknown := sorted(set(given) - names):
        raise SettingsError(
            f"{mapping}: unknown setting: {', '.join(unknown)}; it is one of {', '.join(sorted(names))}"
        )
    return replace(
        assumed, **{name: _like(getattr(assumed, name), value, name, mapping) for name, value in given.items()}
    )


def changes(mapping: Path) -> str:
    """The format whose settings a mapping changes: what its `source` says, empty where it says nothing."""
    return str(read_toml(mapping).get("source", ""))


def _like(assumed: object, value: object, name: str, mapping: Path) -> object:
    """The value in the shape of the setting it replaces: yes or no, a text, a list of texts, or lists by name."""
    if isinstance(assumed, bool | str) and type(value) is type(assumed):
        return value
    if isinstance(assumed, tuple) and (texts := _texts(value)) is not None:
        return texts
    if isinstance(assumed, dict) and isinstance(value, dict):
        if unknown := sorted(set(value) - set(assumed)):
            raise SettingsError(f"{mapping}: {name} has no {', '.join(unknown)}; it has {', '.join(assumed)}")
        lists = {key: _texts(words) for key, words in value.items()}
        if None not in lists.values():
            return {**assumed, **lists}
    shape = {bool: "true or false", str: "a text", tuple: "a list of texts"}.get(
        type(assumed), "lists of texts by name"
    )
    raise SettingsError(f"{mapping}: the setting {name} must be {shape}")


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None
