"""How alike two texts are, by the measures and thresholds of `linkage.comparison`."""

from __future__ import annotations

# DuckDB and jellyfish may differ in the last bit of a similarity, which matters where it is a threshold exactly.
_LAST_BIT = 1e-9


def similar(a: str, b: str, threshold: float) -> bool:
    """Whether the Jaro-Winkler similarity of two names reaches `threshold`."""
    import jellyfish

    return jellyfish.jaro_winkler_similarity(a, b) >= threshold - _LAST_BIT


def one_slip(a: str, b: str) -> bool:
    """One letter or a transposition apart."""
    import jellyfish

    if len(a) <= 2 or len(b) <= 2:
        return False
    if similar(a, b, 0.93):
        return True
    letters = jellyfish.levenshtein_distance(a, b)
    if max(len(a), len(b)) > 3 and letters == 1:
        return True
    transposed = len(a) == len(b) < 7 and a[0] == b[0] and letters == 2
    return transposed and jellyfish.damerau_levenshtein_distance(a, b) == 1


def alike(a: str, b: str) -> bool:
    """Alike, more than one slip apart."""
    import jellyfish

    if similar(a, b, 0.82):
        return True
    most = 2 if max(len(a), len(b)) > 4 else 1
    return len(a) > 2 and len(b) > 2 and jellyfish.levenshtein_distance(a, b) <= most
