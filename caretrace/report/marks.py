"""The few shapes that every chart is made of; a template turns them into SVG.

Lengths are in units of the viewBox, which at full width are about a pixel each; text is 14 of them high.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A filled rectangle; `fill` names a pattern as well as a colour, so that it reads without colour."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    tag = "bar"


@dataclass(frozen=True)
class Line:
    """A straight line in one of the styles of the style sheet."""

    x1: float
    y1: float
    x2: float
    y2: float
    style: str = "axis"
    tag = "line"


@dataclass(frozen=True)
class Dot:
    """A point; the shapes differ, not only the colour."""

    x: float
    y: float
    shape: str = "similar"
    tag = "dot"


@dataclass(frozen=True)
class Text:
    """A line of text; `y` is its baseline."""

    x: float
    y: float
    words: str
    anchor: str = "start"
    style: str = ""
    tag = "text"


Mark = Bar | Line | Dot | Text


@dataclass(frozen=True)
class Chart:
    """A picture with the words that stand for it where it is not seen."""

    name: str
    title: str
    description: str
    width: float
    height: float
    marks: tuple[Mark, ...]
