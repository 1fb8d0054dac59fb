"""Who is who, where that is known: a truth file, checked before anything is counted against it.

One row per client record: `record_id` (with `source` and `source_org` where an id alone is not unique), and the true
person as `nhs_number`, as `register_record_id`, or both; optionally `in_register`. Other columns are left alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_TEXTS = ("source", "source_org", "record_id", "nhs_number", "register_record_id", "in_register")
_YES, _NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


@dataclass(frozen=True)
class TruthFacts:
    """How the file and the run's clients fit together."""

    rows: int
    clients: int
    """Clients of the run whose truth the file tells."""
    of_no_client: int
    """Rows of clients who are not in the run: set aside before linking, or of another list."""
    not_told: int
    """Clients of the run whom the file does not name; nothing is counted of them."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


def load(connection: duckdb.DuckDBPyConnection, path: Path) -> TruthFacts:
    """Make the temporary table `truth` of the file at `path`, for the clients of the table `link`.

    Columns: the client's key, nhs_number, register_record_id, in_register (each null where not told). Raises InputError
    where the file cannot be read, tells one client twice, fits no client, or fits several with one id.
    """
    given = _read(path)
    names = set(given.column_names)
    if "record_id" not in names:
        raise InputError("has no column record_id, which says of which client a row is", path=path)
    if not names & {"nhs_number", "register_record_id"}:
        raise InputError(
            "has neither a column nhs_number nor register_record_id, so it names nobody's person", path=path
        )
    if len(names & {"source", "source_org"}) == 1:
        raise InputError("has one of the columns source and source_org; give both or neither", path=path)
    connection.register("truth_given", given)
    try:
        _tidy(connection, names, path)
    finally:
        connection.unregister("truth_given")
    key = "source, source_org, record_id" if "source" in names else "record_id"
    _refuse_repeats(connection, key, path)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE truth AS
        SELECT l.source, l.source_org, l.record_id, t.nhs_number, t.register_record_id, t.in_register
        FROM link l JOIN truth_tidy t USING ({key})""")
    ((rows, clients, fitted, people),) = connection.execute(f"""
        SELECT (SELECT count(*) FROM truth_tidy), (SELECT count(*) FROM truth),
               (SELECT count(*) FROM truth_tidy SEMI JOIN truth USING ({key})),
               (SELECT count(*) FROM link)""").fetchall()
    connection.execute("DROP TABLE truth_tidy")
    if not clients:
        raise InputError("names no client of this run; is it the truth of another list?", path=path)
    if clients > fitted:
        raise InputError(
            "an id in it is that of several clients, from several sources; add the columns source and source_org",
            path=path,
        )
    return TruthFacts(rows, clients, rows - fitted, people - clients)


def refuse_unclear(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise InputError where a register_record_id of `truth` is that of several people of `register.person`.

    It matters only where the truth does not give the person's number too.
    """
    ((several,),) = connection.execute("""
        SELECT count(*) FROM (
            SELECT r.record_id FROM register.person r
            SEMI JOIN (SELECT register_record_id AS record_id FROM truth WHERE nhs_number IS NULL) t USING (record_id)
            GROUP BY r.record_id
            HAVING count(DISTINCT r.nhs_number) > 1 OR (count(*) > 1 AND count(r.nhs_number) < count(*))
        )""").fetchall()
    if several:
        raise InputError(
            f"{several:,} of its register_record_id are of several people of the register; give nhs_number beside",
            path=path,
        )


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    try:
        if path.suffix.lower() == ".parquet":
            table = pyarrow.parquet.read_table(path)
        elif path.suffix.lower() == ".csv":
            everything_text = pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
            table = _csv(path, everything_text)
        else:
            raise InputError("is neither .csv nor .parquet; the truth must be one of them", path=path)
    except FileNotFoundError:
        raise InputError("there is no such truth file", path=path) from None
    except (pa.ArrowInvalid, UnicodeDecodeError):
        # Arrow's own words hold the line it stumbled over.
        raise InputError(
            "cannot be read; a truth file has one heading and as many cells in every row", path=path
        ) from None
    names = [name.strip().lower().lstrip("\ufeff") for name in table.column_names]
    if twice := sorted({name for name in names if name in _TEXTS and names.count(name) > 1}):
        raise InputError(f"has the column {twice[0]} twice; keep one of them", path=path)
    return table.rename_columns(names).select([place for place, name in enumerate(names) if name in _TEXTS])


def _csv(path: Path, options: Any) -> pa.Table:
    """All columns as text: an id of digits is no number."""
    import pyarrow as pa
    import pyarrow.csv

    with pyarrow.csv.open_csv(path) as reader:
        names = reader.schema.names
    options.column_types = dict.fromkeys(names, pa.string())
    return pyarrow.csv.read_csv(path, convert_options=options)


def _tidy(connection: duckdb.DuckDBPyConnection, names: set[str], path: Path) -> None:
    text = {
        name: f"nullif(trim(CAST({name} AS VARCHAR)), '')" if name in names else "CAST(NULL AS VARCHAR)"
        for name in _TEXTS
    }
    number = f"nullif(regexp_replace({text['nhs_number']}, '[ -]', '', 'g'), '')"
    yes, no = (", ".join(f"'{word}'" for word in words) for words in (_YES, _NO))
    flag = f"lower({text['in_register']})"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE truth_tidy AS
        SELECT row_number() OVER () AS row, {text["source"]} AS source, {text["source_org"]} AS source_org,
               {text["record_id"]} AS record_id, {number} AS nhs_number,
               {text["register_record_id"]} AS register_record_id,
               CASE WHEN {flag} IN ({yes}) THEN true WHEN {flag} IN ({no}) THEN false END AS in_register,
               {flag} IS NOT NULL AND {flag} NOT IN ({yes}, {no}) AS odd_flag
        FROM truth_given""")
    for condition, column, words in (
        ("record_id IS NULL", "record_id", "is empty"),
        ("NOT regexp_full_match(nhs_number, '[0-9]{10}')", "nhs_number", "is not ten digits"),
        ("odd_flag", "in_register", "is neither true nor false"),
    ):
        ((first,),) = connection.execute(f"SELECT min(row) FROM truth_tidy WHERE {condition}").fetchall()
        if first is not None:
            raise InputError(f"record {first}: column {column} {words}", path=path)


def _refuse_repeats(connection: duckdb.DuckDBPyConnection, key: str, path: Path) -> None:
    ((first,),) = connection.execute(
        f"SELECT min(row) FROM (SELECT max(row) AS row FROM truth_tidy GROUP BY {key} HAVING count(*) > 1)"
    ).fetchall()
    if first is not None:
        raise InputError(f"record {first} tells of a client a second time; give each client one row", path=path)
