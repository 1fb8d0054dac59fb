"""Models from and to Splink, the open-source linkage package of the UK Ministry of Justice (versions 3.9 to 5).

Begin with `imports.import_settings` and `exports.export_settings`. `read` gives the file as values and fills nothing
in. Splink itself is not needed; the tests score the same pairs in both.
"""

from __future__ import annotations
