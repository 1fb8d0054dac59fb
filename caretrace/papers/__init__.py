"""The papers a council must have anyway, filled from a project: impact assessment, record of processing, hazard log.

In: a project, its agreements and its log. Out: for each paper a page to print, and the same rows as CSV and workbook.
What caretrace does is declared beside this file (`*.toml`), which the pages in docs/governance are made from too;
`facts` looks up what the project says; what only a person can say is asked for, with who is to say it, and never made
up. Begin with `writing.write`.
"""
