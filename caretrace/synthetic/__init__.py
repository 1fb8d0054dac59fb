"""Synthetic people for the demo, the benchmarks and the tests: households, their records, and the slips in them.

Begin with `make(clients, register, seed=...)`, which gives tables with the truth beside them, and `write`, which writes
them in any format; `make_census` gives two lists of one population instead. `Errors` says how often records differ
from the truth; `PRESETS` names three settings of it.
Nobody in it lives: NHS numbers are of the 9xx test range, phones from the ranges kept for drama, mail at example.org.
"""

from caretrace.synthetic.census import make_census
from caretrace.synthetic.draw import Synthetic, make
from caretrace.synthetic.rates import PRESETS, Errors
from caretrace.synthetic.writers import FORMATS, write

__all__ = ["FORMATS", "PRESETS", "Errors", "Synthetic", "make", "make_census", "write"]
