"""Names: cleaned once per distinct value, with nickname roots and phonetic codes.

Written for the names councils really hold: titles, "known as", "TWIN 1", brackets, accents, hyphens, apostrophes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# Words that are no part of anybody's name. A title that is all there is stays: Mr Lord is called Lord.
TITLES = ("MR", "MRS", "MISS", "MS", "MX", "DR", "REV", "PROF", "SIR", "DAME", "LADY", "LORD", "MASTER", "CLLR")
NOISE = (
    *("KNOWN AS", "ALSO KNOWN AS", "AKA", "PREFERS", "LIKES TO BE CALLED", "NEE", "FORMERLY"),
    *("TWIN", "TRIPLET", "DO NOT USE", "DUPLICATE", "DUPLICATED", "DECEASED", "CONFIDENTIAL"),
    *("UNKNOWN", "NOT KNOWN", "NOT GIVEN", "NOT STATED", "NK", "N K", "NFN", "NONE", "NULL", "SURNAME", "FORENAME"),
    *("BABY BOY", "BABY GIRL", "BABY", "INFANT", "UNBORN", "NEWBORN"),
)
# Parts of a family name that say nothing alone when a double-barrelled name is taken apart.
PARTICLES = (
    "DE",
    "DA",
    "DI",
    "DOS",
    "DU",
    "LA",
    "LE",
    "VAN",
    "VON",
    "DER",
    "DEN",
    "BIN",
    "BINTI",
    "AL",
    "EL",
    "ST",
    "MC",
    "MAC",
)

# Letters that Unicode does not take apart into a base letter and an accent.
_FOLD_FROM, _FOLD_TO = "ØŁĐÐŦĦ", "OLDDTH"
_APOSTROPHES = "''\u2019\u2018\u0060\u00b4."
_FOLD_PAIRS = (("Æ", "AE"), ("Œ", "OE"), ("ẞ", "SS"), ("ß", "SS"), ("Þ", "TH"))


def _words(words: tuple[str, ...]) -> str:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return rf"\b({'|'.join(longest_first)})\b"


def _folded(expression: str) -> str:
    sql = f"translate(upper(strip_accents({expression})), '{_FOLD_FROM}', '{_FOLD_TO}')"
    for letter, letters in _FOLD_PAIRS:
        sql = f"replace({sql}, '{letter}', '{letters}')"
    # An apostrophe joins (O'BRIEN, OBRIEN); everything else that is no letter parts.
    return f"regexp_replace(regexp_replace({sql}, '[{_APOSTROPHES}]', '', 'g'), '[^A-Z]+', ' ', 'g')"


def build_name_values(connection: duckdb.DuckDBPyConnection, sides: tuple[str, str]) -> None:
    """Make `name_value`: one row per distinct raw name of both sides.

    Columns: `raw`; `tokens`, its words in order; `joined`, the words without spaces; `parts`, the words of a
    family name of several, without particles. A raw name with nothing left after cleaning has null `joined`.
    """
    columns = ("given_name", "middle_names", "family_name", "previous_family_name")
    raw = [f"SELECT {column} AS raw FROM {side}.person" for side in sides for column in columns]
    raw += [f"SELECT {column} FROM {side}.name" for side in sides for column in ("given_name", "family_name")]
    particles = ", ".join(f"'{word}'" for word in PARTICLES)
    connection.execute(f"""
        CREATE OR REPLACE TABLE name_value AS
        WITH distinct_raw AS (SELECT DISTINCT raw FROM ({" UNION ALL ".join(raw)}) WHERE raw IS NOT NULL),
        folded AS (SELECT raw, regexp_replace({_folded("raw")}, '{_words(NOISE)}', ' ', 'g') AS text FROM distinct_raw),
        untitled AS (
            SELECT raw, trim(text) AS text, trim(regexp_replace(text, '{_words(TITLES)}', ' ', 'g')) AS bare FROM folded
        ),
        words AS (
            SELECT raw, list_filter(string_split(CASE WHEN bare = '' THEN text ELSE bare END, ' '),
                                    lambda w: w <> '') AS tokens
            FROM untitled
        )
        SELECT raw, tokens,
               CASE WHEN len(tokens) > 0 THEN array_to_string(tokens, '') END AS joined,
               CASE WHEN len(tokens) > 1
                    THEN list_filter(tokens, lambda w: length(w) > 2 AND w NOT IN ({particles})) END AS parts
        FROM words""")


def build_tokens(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `name_token` (text, sound, root) over distinct cleaned names, and `nickname` (a, b), both directions.

    `sound` is Soundex: coarse, so it only ever makes candidates. `root` is one formal name for a family of nicknames,
    the same for every member, so that it can be a blocking key; whether two names are nicknames of each other is read
    from `nickname`, which knows that Alex has two.
    """
    import jellyfish
    import pyarrow as pa
    from nicknames import NickNamer

    texts: list[str] = sorted(
        text
        for (text,) in connection.execute("""
            SELECT DISTINCT text FROM (
                SELECT joined AS text FROM name_value UNION ALL SELECT unnest(tokens) FROM name_value
                UNION ALL SELECT unnest(parts) FROM name_value
            ) WHERE text IS NOT NULL""").fetchall()
    )
    namer = NickNamer()
    formal = {text: sorted(name.upper() for name in namer.canonicals_of(text)) for text in texts}
    known = set(texts)
    pairs = set()
    for text, names in formal.items():
        # William and Bill; and Bill and Will, who share him.
        relatives = {relative.upper() for name in names for relative in namer.nicknames_of(name)} | set(names)
        pairs |= {(text, other) for other in relatives if other != text and other in known}
    pairs |= {(b, a) for a, b in pairs}
    # The shortest list of nicknames is the most telling formal name: Bill is one of William's seven, not of Will's.
    roots = [max(names, key=lambda n: (len(namer.nicknames_of(n)), n), default=text) for text, names in formal.items()]
    tokens = pa.table({"text": texts, "sound": [jellyfish.soundex(text) for text in texts], "root": roots})
    ordered = sorted(pairs)
    nicknames = pa.table(
        {"a": pa.array([a for a, _ in ordered], pa.string()), "b": pa.array([b for _, b in ordered], pa.string())}
    )
    connection.register("name_token_arrow", tokens)
    connection.register("nickname_arrow", nicknames)
    connection.execute("CREATE OR REPLACE TABLE name_token AS SELECT * FROM name_token_arrow")
    connection.execute("CREATE OR REPLACE TABLE nickname AS SELECT * FROM nickname_arrow")
    connection.unregister("name_token_arrow")
    connection.unregister("nickname_arrow")
