"""An explanation in words and plain characters: readable without colour, and with a screen reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from caretrace.explain.facts import Explanation
from caretrace.report.words import count
from linkage.explain import HOUSEHOLD, PRIOR, Bar, Competition, Waterfall

_WIDTH = 36
"""Characters of a waterfall on a terminal."""


def to_text(explanation: Explanation) -> str:
    """For a terminal, in plain characters: + for what speaks for the candidate, - for what speaks against."""
    return "\n".join(_lines(explanation))


def _lines(e: Explanation) -> Iterator[str]:
    yield f"decision: {e.decision}" + (f", found by: {e.method}" if e.method else "")
    yield from sentences(e)
    if e.competition.candidates:
        yield ""
        yield "who it may be"
        yield from _shares(e.competition, len(e.candidates))
    for place, each in enumerate(e.candidates):
        share = probability(each.probability)
        yield ""
        yield f"candidate {each.rank}: probability {share}, {signed(each.weight)} bits, {each.method}"
        yield from _waterfall(each)
        if e.values:
            yield ""
            yield from _records(e.values[place])


def sentences(e: Explanation) -> list[str]:
    """The decision in words."""
    found = []
    if e.decided_at:
        found.append(f"a person decided it: {e.decided_by or 'not said who'}, {e.decided_at} (UTC)")
    if e.guard:
        found.append(f"held back, whatever its probability: {e.guard}")
    elif e.reason:
        found.append(f"reason: {e.reason}")
    if e.competition.candidates:
        found.append(
            f"bands of this run: link from {probability(e.link_at)}, review from {probability(e.review_at)};"
            f" the best candidate has {probability(e.competition.candidates[0])}"
        )
    return found


def probability(share: float) -> str:
    """As many decimals as it takes to see that it is not 0 or 1.

    >>> [probability(share) for share in (0.5, 0.99997, 0.99999999, 1e-7, 1)]
    ['50.00%', '99.997%', 'over 99.9999%', 'under 0.0001%', '100%']
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if share > 0.999999:
        return "over 99.9999%"
    if share < 0.000001:
        return "under 0.0001%"
    near = min(share, 1 - share)
    return f"{share:.2%}" if near >= 0.001 else f"{share:.3%}" if near >= 0.00001 else f"{share:.4%}"


def shares(c: Competition, shown: int) -> list[tuple[str, float]]:
    """Everybody the client may be: those shown, all others together, nobody."""
    rows = [(f"candidate {rank}", share) for rank, share in enumerate(c.candidates[:shown], 1)]
    rest = sum(c.candidates[shown:]) + c.others
    if len(c.candidates) > shown or rest > 1e-9:
        rows.append(("other candidates, together", rest))
    return [*rows, ("not in the register", c.nobody)]


def _shares(c: Competition, shown: int) -> Iterator[str]:
    for name, share in shares(c, shown):
        yield f"  {name:<27}{probability(share):>15}  {'#' * round(share * 30)}".rstrip()


def signed(bits: float) -> str:
    """Two decimals and a sign, but none for what is as good as nothing.

    >>> signed(1.5), signed(-0.001)
    ('+1.50', '0.00')
    """
    return f"{bits:+.2f}" if abs(bits) >= 0.005 else "0.00"


def level_name(bar: Bar) -> str:
    """The level's name; a comparison without one says so, prior and household have none."""
    return bar.level or ("" if bar.name in (PRIOR, HOUSEHOLD) else "not known")


def level_words(bar: Bar) -> str:
    """The level with its meaning, or why there is none."""
    return f"{bar.level}: {bar.meaning}" if bar.level else bar.meaning


def odds_words(bar: Bar) -> tuple[str, str]:
    """m and u as a reader takes them in; the second with a star where the value's own frequency made it."""
    if bar.m is None or bar.u is None:
        return "", ""
    u = one_in(bar.u)
    return f"{bar.m:.1%}", f"{u} *" if bar.usual_u is not None else u


def one_in(share: float) -> str:
    """A share as a percentage, or as one in so many where it is small.

    >>> one_in(0.5), one_in(0.0123), one_in(0.000021)
    ('50.0%', '1.2%', '1 in 48,000')
    """
    if share >= 0.01:
        return f"{share:.1%}"
    whole = 1 / share
    digits = 10 ** max(len(str(int(whole))) - 2, 0)
    return f"1 in {count(round(whole / digits) * digits)}"


def _waterfall(each: Waterfall) -> Iterator[str]:
    steps = each.steps()
    low = min(0.0, *(min(a, b) for _, a, b in steps))
    high = max(0.0, *(max(a, b) for _, a, b in steps))
    scale = (_WIDTH - 1) / ((high - low) or 1.0)
    head = ("", "level", "same", "different")
    words = [(bar.name, level_name(bar), *odds_words(bar)) for bar in each.bars]
    names, levels, ms, us = (max(map(len, column)) for column in zip(head, *words, strict=True))

    def line(name: str, level: str, m: str, u: str, bits: str, bar: str = "") -> str:
        return f"  {name:<{names}}  {level:<{levels}}  {m:>{ms}}  {u:>{us}}  {bits:>7}  {bar}".rstrip()

    yield line(*head, "bits")
    zero = round(-low * scale)
    for row, (bar, start, end) in zip(words, steps, strict=True):
        cells = [" "] * _WIDTH
        cells[zero] = "|"
        left, right = sorted((round((start - low) * scale), round((end - low) * scale)))
        if abs(bar.bits) >= 0.005:
            cells[left : max(right, left + 1)] = ("+" if bar.bits > 0 else "-") * max(right - left, 1)
        yield line(*row, signed(bar.bits), "".join(cells))
    yield line("sum", "", "", "", signed(each.weight))
    if any(bar.usual_u is not None for bar in each.bars):
        yield "  same, different: how often records of one person, and of two, reach the level;"
        yield "  * by this value's own frequency in the register"
    if next(bar for bar in each.bars if bar.name == HOUSEHOLD).bits < -0.5:
        yield "  a member of the household would share most of it, so it proves less than it seems"


def _records(pairs: Mapping[str, tuple[str | None, str | None]]) -> Iterator[str]:
    rows: Sequence[tuple[str, str, str]] = [("", "client", "register")]
    rows = [*rows, *((name, ours or "-", theirs or "-") for name, (ours, theirs) in pairs.items())]
    first, second = (max(len(row[at]) for row in rows) for at in (0, 1))
    for name, ours, theirs in rows:
        yield f"  {name:<{first}}  {ours:<{second}}  {theirs}"
