"""The long tails of names, taken once from Faker (MIT licence) and kept in tails.json.

Kept rather than taken at each run, so that the same seed gives the same people under every version of Faker.
`python fixtures/make.py --names` takes them again.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("tails.json")

# Latin script only. The tails of pools.py name these lists as "locale attribute".
_LISTS = {
    "first_names_female first_names_male": "en_GB en_US en_NZ pl_PL ro_RO it_IT es_ES pt_PT fr_FR en_IN yo_NG tw_GH "
    "ig_NG ha_NG tr_TR",
    "last_names": "en_NZ en_IE ro_RO lt_LT it_IT es_ES pt_PT fr_FR de_DE yo_NG tw_GH ig_NG tr_TR en_IN en_PK en_KE",
    "male_last_names unisex_last_names": "pl_PL",
    "last_romanized_names": "zh_CN",
    "first_names": "en_PK",
}


def names(locale: str, attribute: str) -> list[str]:
    """The distinct names of one of Faker's lists, in its order."""
    return list(_load()["lists"][f"{locale} {attribute}"])


def english_shares() -> dict[str, float]:
    """Faker's commonest English surnames, the commonest first, with the share of people in per cent."""
    return dict(_load()["english_shares"])


def take() -> dict[str, Any]:
    """The lists of the Faker that is installed, in the shape of tails.json."""
    shares = _provider("en_GB").last_names.items()
    lists = {
        f"{locale} {attribute}": _clean(getattr(_provider(locale), attribute))
        for attributes, locales in _LISTS.items()
        for attribute in attributes.split()
        for locale in locales.split()
    }
    return {
        "faker": metadata.version("faker"),
        "english_shares": dict(sorted(shares, key=lambda item: (-item[1], item[0]))),
        "lists": lists,
    }


def text(tails: dict[str, Any]) -> str:
    """tails.json: one list a line, so that a change can be read."""
    lists = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in tails["lists"].items())
    shares = json.dumps(tails["english_shares"], ensure_ascii=False)
    return f'{{"faker": {json.dumps(tails["faker"])},\n"english_shares": {shares},\n"lists": {{\n{lists}\n}}}}\n'


@cache
def _load() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return kept


def _provider(locale: str) -> Any:
    return import_module(f"faker.providers.person.{locale}").Provider


def _clean(listed: Any) -> list[str]:
    """Distinct, in one spelling, Latin letters only: some locales of Faker mix scripts or write capitals."""
    tidy = (name.strip().title() if name.isupper() else name.strip() for name in listed)
    return list(dict.fromkeys(name for name in tidy if name and all(ord(c) < 0x250 for c in name)))
