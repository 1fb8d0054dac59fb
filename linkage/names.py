"""Names: cleaned once per distinct value, with nickname roots and phonetic codes.

Written for the names councils really hold: titles, "known as", "TWIN 1", brackets, accents, hyphens, apostrophes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from linkage.diminutives import PAIRS

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

# Where resemblance leads astray: the formal name that is meant in Britain as a rule.
USUAL_FORMAL_NAMES = {
    **{"JOHN": "JOHN", "BILL": "WILLIAM", "BILLY": "WILLIAM", "WILL": "WILLIAM", "LIZ": "ELIZABETH"},
    **{"TONY": "ANTHONY", "MOLLY": "MARY", "POLLY": "MARY", "HARRY": "HENRY", "TED": "EDWARD", "TEDDY": "EDWARD"},
    **{"JACK": "JOHN", "JON": "JOHN", "JOHNNY": "JOHN", "SUE": "SUSAN", "SUSIE": "SUSAN", "TINA": "CHRISTINA"},
    **{"BETTY": "ELIZABETH", "BETH": "ELIZABETH", "LISA": "LISA", "MAGGIE": "MARGARET", "PEGGY": "MARGARET"},
    **{"DAISY": "DAISY", "NELL": "ELLEN", "NELLIE": "ELLEN", "SALLY": "SARAH", "SADIE": "SARAH", "FRANK": "FRANCIS"},
    **{"BERT": "ALBERT", "ALF": "ALFRED", "FRED": "FREDERICK", "RON": "RONALD", "REG": "REGINALD", "LES": "LESLIE"},
    **{"DON": "DONALD", "JO": "JOANNE", "PAT": "PATRICIA", "VAL": "VALERIE", "CHRIS": "CHRISTOPHER", "SANDY": "SANDRA"},
    **{"GEORGE": "GEORGE", "THOMAS": "THOMAS", "JOSEPH": "JOSEPH", "PETER": "PETER", "MO": "MOHAMMED"},
    **{"MARIE": "MARIE", "GARY": "GARY", "JEAN": "JEAN", "ALI": "ALI", "ALEX": "ALEXANDER", "SAM": "SAMUEL"},
    **{"CATHERINE": "CATHERINE", "KATHERINE": "CATHERINE", "KATHRYN": "CATHERINE", "KATE": "CATHERINE"},
    **{"CATH": "CATHERINE", "KATH": "CATHERINE", "KATHY": "CATHERINE", "CATHY": "CATHERINE", "KATIE": "CATHERINE"},
    **{"ANN": "ANN", "ANNE": "ANN", "ANNA": "ANN", "ANNIE": "ANN", "BERTIE": "ALBERT", "KRIS": "CHRISTOPHER"},
}

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


def cleaned_sql(expression: str) -> str:
    """A name as the comparisons have it: capitals without accents, its words joined."""
    return f"replace({_folded(expression)}, ' ', '')"


def build_names(connection: duckdb.DuckDBPyConnection, sides: tuple[str, ...]) -> None:
    """Make `name_value`, one row per distinct raw name of both sides, and `nickname` (a, b), both directions.

    Columns of `name_value`: `raw`; `first` and `second`, its first two words, with `first_sound` and `first_root`;
    `words`, all its words longer than an initial, and their roots, in alphabetical order; `rest`, the same without the
    first word; `joined`, all without spaces, with `joined_sound`; `parts`, the words of a family name of several,
    without particles;
    `first_letters` and `joined_letters`, which letters of the alphabet there are, a bit each. What is left empty by
    cleaning is null.

    Sounds are Soundex: coarse, so they only ever make candidates. A root is one formal name for a family of nicknames,
    the same for every member, so that it can be a blocking key; whether two names are nicknames of each other is read
    from `nickname`, which knows that Alex has two.
    """
    columns = ("given_name", "middle_names", "family_name", "previous_family_name")
    raw = [f"SELECT {column} AS raw FROM {side}.person" for side in sides for column in columns]
    raw += [f"SELECT {column} FROM {side}.name" for side in sides for column in ("given_name", "family_name")]
    particles = ", ".join(f"'{word}'" for word in PARTICLES)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE name_words AS
        WITH distinct_raw AS (SELECT DISTINCT raw FROM ({" UNION ALL ".join(raw)}) WHERE raw IS NOT NULL),
        folded AS (SELECT raw, regexp_replace({_folded("raw")}, '{_words(NOISE)}', ' ', 'g') AS text FROM distinct_raw),
        untitled AS (
            SELECT raw, trim(text) AS text, trim(regexp_replace(text, '{_words(TITLES)}', ' ', 'g')) AS bare FROM folded
        )
        SELECT raw, list_filter(string_split(CASE WHEN bare = '' THEN text ELSE bare END, ' '), lambda w: w <> '')
            AS tokens
        FROM untitled""")
    _build_tokens(connection)
    connection.execute(f"""
        CREATE OR REPLACE TABLE name_value AS
        WITH word AS (
            SELECT raw, unnest(tokens) AS text, generate_subscripts(tokens, 1) AS place FROM name_words
        ),
        rooted AS (
            SELECT raw, list_sort(list_distinct(flatten(list([text, root])))) AS words,
                   list_sort(list_distinct(flatten(list([text, root]) FILTER (place > 1)))) AS rest
            FROM word JOIN name_token USING (text) WHERE length(text) > 1 GROUP BY raw
        ),
        cut AS (
            SELECT raw, tokens[1] AS first, tokens[2] AS second, words, nullif(rest, []) AS rest,
                   CASE WHEN len(tokens) > 0 THEN array_to_string(tokens, '') END AS joined,
                   CASE WHEN len(tokens) > 1 THEN nullif(list_filter(
                       tokens, lambda w: length(w) > 2 AND w NOT IN ({particles})), []) END AS parts
            FROM name_words LEFT JOIN rooted USING (raw)
        )
        SELECT c.*, f.sound AS first_sound, f.root AS first_root, f.letters AS first_letters,
               j.sound AS joined_sound, j.letters AS joined_letters
        FROM cut c LEFT JOIN name_token f ON f.text = c.first LEFT JOIN name_token j ON j.text = c.joined""")
    connection.execute("DROP TABLE name_words")
    connection.execute("DROP TABLE name_token")


def _build_tokens(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `name_token` (text, sound, root, letters) over distinct cleaned names, and `nickname`."""
    import jellyfish
    import pyarrow as pa

    texts: list[str] = sorted(
        text
        for (text,) in connection.execute("""
            SELECT unnest(tokens) FROM name_words
            UNION SELECT array_to_string(tokens, '') FROM name_words WHERE len(tokens) > 0""").fetchall()
    )
    forms = _Forms()
    # All that are listed, met or not: tomorrow's names are nicknames of today's.
    root_of = {text: forms.root(text) for text in forms.listed}
    families = defaultdict[str, set[str]](set)
    for text, root in root_of.items():
        families[root] |= {text, root}
    pairs = {(text, formal) for text in root_of for formal in forms.formal[text]}
    # Bill and Will, who share William.
    pairs |= {(text, other) for text, root in root_of.items() for other in families[root]}
    ordered = sorted({(a, b) for one, two in pairs for a, b in ((one, two), (two, one)) if a != b})
    tables = {
        "name_token": pa.table(
            {
                "text": texts,
                "sound": [jellyfish.soundex(text) for text in texts],
                "root": [root_of.get(text, text) for text in texts],
                "letters": pa.array([_letters(text) for text in texts], pa.uint32()),
            }
        ),
        "nickname": pa.table(
            {side: pa.array([pair[i] for pair in ordered], pa.string()) for i, side in enumerate("ab")}
        ),
    }
    for name, table in tables.items():
        connection.register("made_here", table)
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM made_here")
        connection.unregister("made_here")


def _letters(text: str) -> int:
    """Which letters of the alphabet a cleaned name has, a bit each."""
    return sum(1 << (ord(letter) - 65) for letter in set(text))


class _Forms:
    """What is a form of what: the package's list and ours together."""

    def __init__(self) -> None:
        from nicknames import NickNamer

        namer = NickNamer()
        self.formal = defaultdict[str, set[str]](set)
        """Formal names by everyday form."""
        self._everyday = defaultdict[str, set[str]](set)
        listed = [(form, formal) for form, formals in namer.canonical_lookup.items() for formal in formals]
        for form, formal in (*((form.upper(), formal.upper()) for form, formal in listed), *PAIRS):
            self.formal[form].add(formal)
            self._everyday[formal].add(form)
        self.listed = self.formal.keys() | self._everyday.keys() | USUAL_FORMAL_NAMES.keys()

    def root(self, text: str) -> str:
        """The formal name behind a form, or the name itself.

        The lists know many formal names for one (Bill is Will, William, Willis and Robert there), and no order among
        them. The likeliest has many forms itself and resembles this one.
        """
        from jellyfish import jaro_winkler_similarity

        def likely(name: str) -> tuple[float, str]:
            return len(self._everyday[name]) * jaro_winkler_similarity(text, name) ** 2, name

        return USUAL_FORMAL_NAMES.get(text) or max([text, *sorted(self.formal[text])], key=likely)
