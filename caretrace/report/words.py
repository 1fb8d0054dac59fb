"""Numbers in the words of a report."""

from __future__ import annotations


def count(number: int) -> str:
    """Thousands with commas.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def percent(share: float) -> str:
    """One decimal, but never 0 or 100 for what is not quite none or all.

    >>> [percent(share) for share in (0, 0.0001, 0.5, 0.99996, 1)]
    ['0%', 'under 0.1%', '50.0%', 'over 99.9%', '100%']
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:
        return "under 0.1%"
    if share > 0.999:
        return "over 99.9%"
    return f"{share:.1%}"


def exact(share: float) -> str:
    """A share to two decimals of a percent, and to more where that would hide what is not quite all.

    >>> [exact(share) for share in (0.5, 0.99963, 0.999996, 1)]
    ['50.00%', '99.96%', '99.9996%', '100%']
    """
    if share in (0, 1):
        return f"{share:.0%}"
    return f"{share:.4%}" if share > 0.9999 else f"{share:.2%}"


def estimate(number: float) -> str:
    """A number of people that was not counted but reckoned.

    >>> [estimate(number) for number in (0.02, 3.26, 41.7, 1234.5)]
    ['under 0.1', '3.3', '42', '1,234']
    """
    if 0 < number < 0.1:
        return "under 0.1"
    return f"{number:.1f}" if 0 < number < 10 else f"{number:,.0f}"


def one_in(share: float) -> str:
    """A small share as one in so many, to two figures.

    >>> one_in(0.00037)
    'one in 2,700'
    """
    if share <= 0:
        return "none"
    digits = 10 ** max(0, len(str(int(1 / share))) - 2)
    return f"one in {round(1 / share / digits) * digits:,}"


def size(octets: int) -> str:
    """Bytes in the unit a file manager would show.

    >>> size(123_456_789)
    '123.5 MB'
    """
    scaled = float(octets)
    for unit in ("bytes", "kB", "MB", "GB"):
        if scaled < 1000 or unit == "GB":
            break
        scaled /= 1000
    return f"{scaled:.0f} {unit}" if unit == "bytes" else f"{scaled:.1f} {unit}"
