"""From files and tables in memory to raw text columns: encodings, headers, records, and what types may pass as text."""
