"""The levels of given and family names."""

from __future__ import annotations

from collections.abc import Iterable

from linkage.lookup.declared import UNKNOWN, Tests, is_
from linkage.lookup.names import are_nicknames, root
from linkage.lookup.pairs import Mask, Pairs, is_any
from linkage.lookup.register import NO_TEXT
from linkage.lookup.similarity import alike, one_slip, similar

NAME_LEVELS = level = Tests()


@level("given name", UNKNOWN)
def _no_given(p: Pairs) -> Mask:
    return is_(p["given"], NO_TEXT) | (p.client.given is None)


@level("given name", "exact")
def _same_given(p: Pairs) -> Mask:
    return is_(p["given"], p.given_code)


@level("given name", "nickname")
def _nickname(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, are_nicknames)


@level("given name", "one slip")
def _given_slip(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, one_slip)


@level("given name", "swapped")
@level("family name", "swapped")
def _swapped(p: Pairs) -> Mask:
    given, family = p.client.given, p.client.family
    there = is_(p["family"], p.given_code) & p.each_with(p["given"], family, alike)
    here = is_(p["given"], p.family_code) & p.each_with(p["family"], given, alike)
    return there | here | p.each_with(p["family"], given, _crossed) & p.each_with(p["given"], family, _crossed)


def _crossed(a: str, b: str) -> bool:
    return similar(a, b, 0.88)


@level("given name", "half swapped")
@level("family name", "half swapped")
def _half_swapped(p: Pairs) -> Mask:
    there = is_(p["family"], p.given_code) & (len(p.client.given or "") > 3)
    return there | is_(p["given"], p.family_code) & p.each(p["given"], lambda name: len(name) > 3)


@level("given name", "other name")
def _other_given(p: Pairs) -> Mask:
    given, others = p.client.given, frozenset(p.client.other_givens)
    values, owner = p.listed("other_givens")
    ours = p.codes([given, p.client.given_root])
    near = p.each_with(values, given if given and len(given) > 3 else None, _near)
    theirs = p.each(p["given"], lambda name: name in others or root(name) in others or _any_near(name, others))
    return theirs | p.of_owners(owner[is_any(values, ours) | near])


def _near(a: str, b: str) -> bool:
    return similar(a, b, 0.93)


def _any_near(name: str, others: Iterable[str]) -> bool:
    return len(name) > 3 and any(_near(name, other) for other in others)


@level("given name", "initial")
def _initial(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, lambda a, b: a.startswith(b) or b.startswith(a))


@level("given name", "alike")
def _given_alike(p: Pairs) -> Mask:
    return p.each_with(p["given"], p.client.given, alike)


@level("middle name", UNKNOWN)
def _no_middle(p: Pairs) -> Mask:
    """Nobody has one, or one's middle name is the other's given name, which the given name weighs."""
    ours = is_any(p["middle"], p.codes([p.client.given, p.client.given_root]))
    theirs = p.each_with(p["given"], p.client.middle, lambda middle, given: middle in (given, root(given)))
    return is_(p["middle"], NO_TEXT) | (p.client.middle is None) | ours | theirs


@level("middle name", "same")
def _same_middle(p: Pairs) -> Mask:
    return is_(p["middle"], p.middle_code) & (len(p.client.middle or "") > 1)


@level("middle name", "initial")
def _middle_initial(p: Pairs) -> Mask:
    return p.each_with(p["middle"], p.client.middle, lambda a, b: 1 in (len(a), len(b)) and a[0] == b[0])


@level("middle name", "other name")
def _other_middle(p: Pairs) -> Mask:
    ours = p.codes([p.client.middle])
    return p.any_listed("other_givens", ours) | is_any(p["middle"], p.codes(p.client.other_givens))


@level("middle name", "one slip")
def _middle_slip(p: Pairs) -> Mask:
    return p.each_with(p["middle"], p.client.middle, _nearly)


def _nearly(a: str, b: str) -> bool:
    import jellyfish

    return a[0] == b[0] and (_near(a, b) or jellyfish.levenshtein_distance(a, b) == 1)


@level("family name", UNKNOWN)
def _no_family(p: Pairs) -> Mask:
    return is_(p["family"], NO_TEXT) | (p.client.family is None)


@level("family name", "exact")
def _same_family(p: Pairs) -> Mask:
    return is_(p["family"], p.family_code)


@level("family name", "other name")
def _other_family(p: Pairs) -> Mask:
    others = p.codes(p.client.other_families)
    return p.any_listed("other_families", [p.family_code, *others]) | is_any(p["family"], others)


@level("family name", "one slip")
def _family_slip(p: Pairs) -> Mask:
    return p.each_with(p["family"], p.client.family, one_slip)


@level("family name", "alike")
def _family_alike(p: Pairs) -> Mask:
    return p.each_with(p["family"], p.client.family, alike)
