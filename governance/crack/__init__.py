"""Whether a column of pseudonyms withstands somebody without a key who tries the usual weak schemes.

`read` brings a CSV or Parquet file, `crack` tries everything on a column of it within a time, and the `Report` says
in words what was broken. What is recovered is counted and never kept: no number leaves this package.
"""

from governance.crack.attack import crack, likely, linkable
from governance.crack.reading import read
from governance.crack.report import Finding, Report, Verdict

__all__ = ["Finding", "Report", "Verdict", "crack", "likely", "linkable", "read"]
