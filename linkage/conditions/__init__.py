"""Conditions that come from a file with a model: read, checked and written anew, so that no foreign SQL ever runs.

In: a text. Out: SQL over the two records, or a SettingsError with the name of what is not allowed. Begin with `reading`
(text to tree), then `functions` (what may be called), `fields` (what may be read), `expression` (tree to SQL).
"""
