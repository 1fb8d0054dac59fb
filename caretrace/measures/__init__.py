"""Measures: named, versioned SQL over the tables of a run, each with what it counts, for whom, and by whose definition.

In: a run folder. Out: figures by period, area and group with what could not be used and why; small numbers hidden
through governance unless they are asked for as internal. Begin with `caretrace.measures.run.run`; what is counted
stands in `definitions/`, and lists of codes and words in `lists/`.
"""
