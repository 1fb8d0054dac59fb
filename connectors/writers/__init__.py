"""Files that our results leave in: trace requests, the check for opt-outs, and files loaded back into client systems.

One module a format. Each takes a DuckDB query of declared columns and writes one file; none knows runs, projects or
the log (`caretrace.written` does). `plain` says what becomes of letters a format cannot hold and of texts too long
for it; `for_people` makes files that spreadsheets open safely.
"""
