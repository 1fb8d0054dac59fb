"""What a condition may read of a record: the columns of `<side>_record`, and what can be said from them.

For models that come from a file, and for tables that other software links (`linkage.splink`). The names in `also` are
those that such software's users give the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from linkage.comparison import Role
from linkage.conditions.expression import Column, ConditionError, write_condition
from linkage.conditions.functions import Kind
from linkage.conditions.reading import parse, parser


@dataclass(frozen=True)
class Field:
    """A column of the record, or an expression over it: `sql` has {0} where the record's alias goes."""

    name: str
    kind: Kind
    meaning: str
    sql: str = ""
    role: Role | None = None
    also: tuple[str, ...] = ()
    narrow: str | None = None
    """The type of what is no text, as `linkage.clean` makes it."""

    @property
    def type(self) -> str:
        """The DuckDB type of the column."""
        return self.narrow or {Kind.LIST: "VARCHAR[]", Kind.DATE: "DATE"}.get(self.kind, "VARCHAR")

    def of(self, alias: str) -> str:
        """The field of the record called `alias`, as SQL."""
        return (self.sql or f"{{0}}.{self.name}").format(alias)


_NUMBER = "lpad(CAST({0}.nhs AS VARCHAR), 10, '0')"
_ALL = "CASE WHEN {0}.%s IS NOT NULL THEN list_prepend({0}.%s, coalesce({0}.%s, [])) ELSE {0}.%s END"

FIELDS: tuple[Field, ...] = (
    Field(
        "given",
        Kind.TEXT,
        "first given name, cleaned, in capitals",
        role="given",
        also=("given_name", "first_name", "firstname", "forename", "forename1", "forename_1", "fname"),
    ),
    Field(
        "family",
        Kind.TEXT,
        "family name, cleaned, in capitals, all its words joined",
        role="family",
        also=("family_name", "surname", "last_name", "lastname", "lname"),
    ),
    Field(
        "full_name",
        Kind.TEXT,
        "given and family name with a space between; null where either is",
        "({0}.given || ' ' || {0}.family)",
        "given",
        ("fullname", "first_name_surname_concat", "forename_surname_concat", "first_and_surname"),
    ),
    Field("given_root", Kind.TEXT, "the formal name behind a nickname, or the given name", role="given"),
    Field("given_sound", Kind.TEXT, "Soundex of the given name", role="given"),
    Field(
        "given_letters", Kind.NUMBER, "which letters the given name has, a bit each", role="given", narrow="UINTEGER"
    ),
    Field(
        "family_letters", Kind.NUMBER, "which letters the family name has, a bit each", role="family", narrow="UINTEGER"
    ),
    Field("family_sound", Kind.TEXT, "Soundex of the family name", role="family"),
    Field(
        "middle",
        Kind.TEXT,
        "first middle name or its initial, cleaned, in capitals",
        role="middle",
        also=("middle_name", "middlename", "second_forename", "forename2", "forename_2"),
    ),
    Field("other_givens", Kind.LIST, "middle and other given names", also=("middle_names",)),
    Field("other_families", Kind.LIST, "previous family names, parts of a double-barrelled one"),
    Field(
        "families",
        Kind.LIST,
        "every family name",
        _ALL % ("family", "family", "other_families", "other_families"),
        "family",
    ),
    Field(
        "birth_date",
        Kind.DATE,
        "date of birth where day, month and year are known",
        role="birth",
        also=("dob", "date_of_birth", "birthdate", "d_o_b"),
    ),
    Field(
        "birth_year",
        Kind.NUMBER,
        "year of birth",
        role="birth",
        also=("year_of_birth", "yob", "dob_year"),
        narrow="SMALLINT",
    ),
    Field(
        "birth_month",
        Kind.NUMBER,
        "month of birth",
        role="birth",
        also=("month_of_birth", "dob_month"),
        narrow="UTINYINT",
    ),
    Field("birth_day", Kind.NUMBER, "day of birth", role="birth", also=("day_of_birth", "dob_day"), narrow="UTINYINT"),
    Field("unit", Kind.TEXT, "postcode, with its space", role="place", also=("postcode", "post_code", "postal_code")),
    Field("sector", Kind.TEXT, "postcode sector", "{0}.unit[:-3]", "place", ("postcode_sector", "pcd_sector")),
    Field(
        "district",
        Kind.TEXT,
        "postcode district, or the town where no postcode is known",
        role="place",
        also=("outcode", "outward_code", "postcode_district", "postcode_outcode"),
    ),
    Field("area", Kind.TEXT, "postcode area", "regexp_extract({0}.unit, '^[A-Z]+')", "place", ("postcode_area",)),
    Field("house", Kind.TEXT, "the numbers of the address, or its first letters", role="place", also=("house_number",)),
    Field("street", Kind.TEXT, "street name without its kind", role="place"),
    Field("town", Kind.TEXT, "town", role="place"),
    Field("place", Kind.TEXT, "postcode, or house and street where that is not known", role="place"),
    Field("other_units", Kind.LIST, "former and other postcodes", role="place"),
    Field("places", Kind.LIST, "every address", _ALL % ("place", "place", "other_units", "other_units"), "place"),
    Field(
        "gender",
        Kind.NUMBER,
        "1 male, 2 female",
        role="gender",
        also=("sex", "gender_code", "sex_code"),
        narrow="UTINYINT",
    ),
    Field("nhs", Kind.NUMBER, "NHS number, as a number", role="number", narrow="BIGINT"),
    Field("nhs_entered", Kind.TEXT, "NHS number as entered, where it cannot be one", role="number"),
    Field("former_nhs", Kind.LIST, "superseded NHS numbers, as numbers", role="number", narrow="BIGINT[]"),
    Field(
        "all_nhs",
        Kind.LIST,
        "present and superseded NHS numbers",
        _ALL % (("nhs",) * 2 + ("former_nhs",) * 2),
        "number",
        narrow="BIGINT[]",
    ),
    Field("ids", Kind.LIST, "hashes of other identifiers", role="other id", narrow="UBIGINT[]"),
    Field("schemes", Kind.LIST, "hashes of the kinds of those", role="other id", narrow="UBIGINT[]"),
    Field("nhs_number", Kind.TEXT, "NHS number, ten digits", _NUMBER, "number", ("nhsnumber", "nhs_no")),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
_ALSO: dict[str, Field] = {name: field for field in FIELDS for name in (field.name, *field.also)}
# From the join of `linkage.weigh` with table `nickname`.
NICKNAME = Column("n", "a", Kind.TEXT)
"""Not null where the two given names are nicknames of one name."""


def known_as(name: str) -> Field | None:
    """The field that another's column of this name holds, if the name is a usual one."""
    return _ALSO.get(name.lower())


def own_column(parts: tuple[str, ...]) -> Column:
    """The column that `l.given` means in a model of ours; ConditionError where there is none."""
    if len(parts) == 2 and parts[0] in ("l", "r") and parts[1] in BY_NAME and not BY_NAME[parts[1]].sql:
        return Column(parts[0], parts[1], BY_NAME[parts[1]].kind)
    if parts == ("n", "a"):
        return NICKNAME
    raise ConditionError(f"the condition reads {'.'.join(parts)}, which is no column of the two records l and r")


def canonical(condition: str) -> str:
    """The condition as it is run: read as a tree, and written from it; ConditionError where it is not allowed.

    What it gives, given again, comes out the same.
    """
    return write_condition(parse(condition, own_column), lambda column: f"{column.side}.{column.name}")


# Records to try a condition on: nothing known, somebody, and the oddest that cleaning lets through.
_TRIED: dict[Kind, tuple[str, str, str]] = {
    Kind.TEXT: ("NULL", "'ANN 1'", "''"),
    Kind.LIST: ("NULL", "['1', '2']", "[]"),
    Kind.DATE: ("NULL", "'2001-12-31'", "'1800-01-01'"),
    Kind.NUMBER: ("NULL", "12", "0"),
}
_LARGE = {"BIGINT": "9999999999", "SMALLINT": "9999"}


def _tried(field: Field, place: int) -> str:
    return _LARGE[field.type] if place == 1 and field.type in _LARGE else _TRIED[field.kind][place]


def check_types(condition: str) -> None:
    """Raise ConditionError where DuckDB does not take the condition, or fails on records that may be met."""
    import duckdb

    plain = condition[4:-1] if condition.startswith("TRY(") else condition
    rows = " UNION ALL ".join(
        "SELECT "
        + ", ".join(
            f"CAST({_TRIED[field.kind][n]} AS {field.type}) AS {field.name}" for field in FIELDS if not field.sql
        )
        for n in range(3)
    )
    query = f"""
        WITH record AS MATERIALIZED ({rows})
        SELECT CASE WHEN {plain} THEN 1 END FROM record l, record r, (SELECT 'ANN' AS a) n"""
    try:
        parser().cursor().execute(query).fetchall()
    except duckdb.Error as error:
        # There is nobody here whose value the message could hold.
        raise ConditionError(f"DuckDB does not take the condition: {str(error).splitlines()[0]}") from None
