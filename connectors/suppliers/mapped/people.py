"""The person file of a mapping: several rows a person, names in several shapes, the NHS number in several places."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from connectors import values
from connectors.supplier import Fill, Kind, Lookup, Repeats, Rule
from connectors.suppliers.mapped import texts
from connectors.suppliers.mapped.fields import KINDS
from connectors.suppliers.mapped.settings import LeaveOut, Mapped
from connectors.values import Value, listed, quoted, text
from schemas import ADDRESS, IDENTIFIER, NAME, OPT_OUT, PERSON, REGISTRATION
from schemas.codes import ETHNIC_CATEGORY, NHS_NUMBER_STATUS


def kind(settings: Mapped) -> Kind:
    """The person file, recognised by the columns the mapping requires."""
    declared = settings.kinds["person"]
    identifiers = {f"identifier_{n}": titles for n, titles in enumerate(settings.identifiers.values(), start=1)}
    fields = _fields(settings)
    return Kind(
        name="person",
        columns={field: declared.columns.get(field, ()) for field in fields} | identifiers,
        required=declared.required,
        fills=(
            Fill(PERSON, _person(settings), once=True),
            Fill(ADDRESS, address(settings), where=texts.anywhere("r")),
            *(_name(*name) for name in _OTHER_NAMES if settings.has("person", name[0])),
            *_identifiers(settings),
            *([_registration(settings)] if any(settings.has("person", name) for name in _REGISTERED) else []),
            Fill(
                OPT_OUT,
                {"scheme": values.constant("local"), "opted_out": Value("true")},
                where=_objects(settings),
                once=True,
            ),
        ),
        preamble=settings.preamble,
        record_id=texts.padded(settings, "r.person_id"),
        key_columns=("person_id",),
        derived=_known(settings) | texts.place(settings, "person") | texts.until(),
        repeats=Repeats.FOLD,
        keep_repeats=texts.anywhere("r"),
        exclude=tuple(_rules(settings)),
    )


def lookups(settings: Mapped, kinds: Set[str]) -> tuple[Lookup, ...]:
    """The current home, the NHS number among the identifiers, and the first phone, of the kinds there are."""
    found = [
        Lookup(
            alias="home",
            kinds=tuple(name for name in ("address", "person") if name in kinds),
            where=f"home.kind_of_address = 'home' AND {texts.anywhere('home')} AND {texts.is_open(settings, 'home')}",
            order=f"{values.is_true('main_address')} DESC, {texts.latest(settings)}",
        )
    ]
    if "identifier" in kinds:
        is_number = texts.is_nhs_number(settings, "reference")
        found.append(
            Lookup(
                alias="reference",
                kinds=("identifier",),
                where=f"reference.value IS NOT NULL AND {is_number} AND {texts.is_open(settings, 'reference')}",
                order=f"nhs_number(value) IS NULL, {texts.latest(settings)}",
            )
        )
    if "phone" in kinds:
        # A mobile is kept longest.
        order = "coalesce(phone_type ILIKE '%mobile%', false) DESC, file, record"
        found.append(Lookup(alias="telephone", kinds=("phone",), where="telephone.phone IS NOT NULL", order=order))
    return tuple(found)


def address(settings: Mapped) -> dict[str, Value]:
    """The columns of ADDRESS from a record with the columns of `texts.place`."""
    return {"address_type": text("r.kind_of_address"), **texts.places("r"), **texts.period(settings)}


_REGISTERED = ("registration_type", "registration_date", "deduction_date")


def _registration(settings: Mapped) -> Fill:
    """The registration at a GP practice, for systems that know it."""
    return Fill(
        REGISTRATION,
        {
            "gp_practice_code": text("r.gp_practice_code"),
            "registration_type": text("r.registration_type"),
            "start_date": values.day("r.registration_date", *settings.forms),
            "end_date": values.day("r.deduction_date", *settings.forms),
        },
        where=f"coalesce({', '.join(f'r.{name}' for name in _REGISTERED)}) IS NOT NULL",
        once=True,
    )


def _fields(settings: Mapped) -> tuple[str, ...]:
    return (*KINDS["person"], *(rule.field for rule in settings.leave_out if rule.titles))


def _known(settings: Mapped) -> dict[str, str]:
    """Further columns of a raw record: its names, and what is known of its days and number.

    They are columns because the macros that read values repeat what they are given many times over.
    """

    def known(field: str) -> str:
        return texts.known(settings, f"r.{field}")

    # "SMITH, Zoe (Ms)": a title behind the name is no part of it; another word in brackets may be.
    titled = "'\\s*\\((mr|mrs|miss|ms|mx|master|dr|prof|professor|revd?|sir|dame|lord|lady)\\.?\\)$', '', 'i'"
    whole = f"regexp_replace({known('full_name')}, {titled})"
    if settings.full_name_order == "given family":
        last, before = f"regexp_extract({whole}, '\\S+$')", f"regexp_replace({whole}, '\\s*\\S+$', '')"
    else:
        last, before = f"regexp_extract({whole}, '^\\S+')", f"regexp_replace({whole}, '^\\S+\\s*', '')"
    # With a comma the family name stands first, whatever the order is without one.
    comma = f"contains({whole}, ',')"
    family = f"CASE WHEN {comma} THEN trim(split_part({whole}, ',', 1)) ELSE {last} END"
    rest = f"CASE WHEN {comma} THEN trim(split_part({whole}, ',', 2)) ELSE {before} END"
    givens = (
        f"coalesce({known('given_names')}, {rest})" if settings.has("person", "full_name") else known("given_names")
    )
    families = known("family_name")
    if settings.has("person", "full_name"):
        families = f"coalesce({families}, nullif({family}, ''))"
    return {
        "family": families,
        "given": f"nullif(coalesce({known('given_name')}, regexp_extract({givens}, '^\\S+')), '')",
        "middle": f"nullif(coalesce({known('middle_names')}, trim(regexp_replace({givens}, '^\\S+', ''))), '')",
        "previous": known("previous_family_name"),
        "maiden": known("maiden_name"),
        "daily": known("known_as"),
        "born": known("birth_date"),
        "died": known("death_date"),
        "number": known("nhs_number"),
    }


def _person(settings: Mapped) -> dict[str, Value]:
    estimated = f"CASE WHEN {values.is_true('r.birth_date_estimated')} THEN {quoted(settings.estimated_birth_date)} END"
    phone = "coalesce(r.phone, telephone.phone)" if settings.reads("phone") else "r.phone"
    return {
        "nhs_number": _nhs_number(settings),
        "nhs_number_status": values.code("r.nhs_number_status", NHS_NUMBER_STATUS),
        "family_name": text("r.family"),
        "given_name": text("r.given"),
        "middle_names": text("r.middle"),
        "previous_family_name": text("coalesce(r.previous, r.maiden)"),
        **_birth(settings, estimated),
        "gender": values.words("r.gender", _with(values.GENDER_WORDS, settings.words["gender"])),
        "death_date": _death(settings),
        **{name: value.quietly() for name, value in texts.places("home").items()},
        "gp_practice_code": text(texts.known(settings, "r.gp_practice_code")),
        "phone": text(texts.known(settings, phone)),
        "email": text(texts.known(settings, "r.email")),
        "ethnicity": values.words("r.ethnicity", _with(_ETHNICITY, settings.words["ethnicity"])),
        "restricted": _restricted(),
    }


_ETHNICITY = {code: (code, name, *values.ETHNIC_WORDS[code]) for code, name in ETHNIC_CATEGORY.items()}


def _with(meanings: Mapping[str, tuple[str, ...]], own: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The words for each code, with a council's own among them."""
    return {
        code: tuple(
            word for word in (*(w for w, c in own.items() if c == code), *words) if own.get(word.lower(), code) == code
        )
        for code, words in meanings.items()
    }


def _nhs_number(settings: Mapped) -> Value:
    """The number of the person's own row goes before one among the identifiers; what is wrong is said of the latter."""
    if not settings.reads("identifier"):
        return values.nhs_number("r.number")
    held = values.nhs_number("coalesce(reference.value, r.number)", record="reference")
    # Where both hold a number, what was given is the identifier's.
    another = "CASE WHEN nhs_number({x}) <> {v} THEN 'an identifier row holds another NHS number' END"
    return replace(
        held,
        parsed="coalesce(nhs_number(r.number), nhs_number(reference.value))",
        warning=f"coalesce({another}, {held.warning})",
    )


def _birth(settings: Mapped, estimated: str) -> dict[str, Value]:
    """Dates that the system is known to make up are refused, as the mapping says."""
    columns = values.birth_date("r.born", *settings.forms, precision=estimated)
    if not settings.placeholder_births:
        return columns
    made_up = f"({', '.join(f'DATE {quoted(day.isoformat())}' for day in settings.placeholder_births)})"
    date, precision = columns["birth_date"], columns["birth_date_precision"]
    return {
        "birth_date": replace(
            date,
            final=f"CASE WHEN {{v}} NOT IN {made_up} THEN {date.final} END",
            fault=f"CASE WHEN {{v}} IN {made_up} THEN 'a date that stands for an unknown one' ELSE {date.fault} END",
        ),
        "birth_date_precision": replace(
            precision, final=f"CASE WHEN v_birth_date NOT IN {made_up} THEN {precision.final} END"
        ),
    }


def _death(settings: Mapped) -> Value:
    """The date of death; that somebody died on a day nobody wrote down is reported, for no column holds it."""
    date = texts.day(settings, "r.died")
    if not settings.has("person", "deceased"):
        return date
    given = f"coalesce(r.died, CASE WHEN {values.is_true('r.deceased')} THEN '' END)"
    undated = f"CASE WHEN {{x}} = '' THEN 'marked as dead, without a date' ELSE {date.fault} END"
    return replace(date, given=given, fault=undated)


def _restricted() -> Value:
    """Anything but no counts: a word we do not know must not open a record."""
    x = "r.restricted"
    return Value(
        f"CASE WHEN {x} IS NOT NULL THEN {texts.said(x)} END",
        x,
        warning=f"CASE WHEN {{v}} AND NOT {values.is_true('{x}')} THEN 'neither yes nor no: taken as restricted' END",
    )


def _objects(settings: Mapped) -> str:
    marks = ["r.objection", *(["r.restricted"] if settings.restricted_is_objection else [])]
    return " OR ".join(map(texts.said, marks))


_OTHER_NAMES = (
    ("previous_family_name", "previous", "r.previous", "NULL"),
    ("maiden_name", "maiden", "r.maiden", "NULL"),
    ("known_as", "known as", "NULL", "r.daily"),
)
"""The field, the type of name, and where its two parts stand."""


def _name(_: str, kind: str, family: str, given: str) -> Fill:
    columns = {"name_type": values.constant(kind), "family_name": text(family), "given_name": text(given)}
    return Fill(NAME, columns, where=f"coalesce({family}, {given}) IS NOT NULL", once=True)


def _identifiers(settings: Mapped) -> list[Fill]:
    """Ids of other systems that stand in columns of their own."""
    return [
        Fill(
            IDENTIFIER,
            {"scheme": values.constant(scheme), "value": text(f"r.identifier_{n}")},
            where=f"{texts.known(settings, f'r.identifier_{n}')} IS NOT NULL",
            once=True,
        )
        for n, scheme in enumerate(settings.identifiers, start=1)
    ]


def _rules(settings: Mapped) -> list[Rule]:
    rules = [texts.DAMAGED, *(_marked(settings, rule) for rule in settings.leave_out)]
    if settings.has("person", "merged_into"):
        own, other = (texts.padded(settings, f"r.{name}") for name in ("person_id", "merged_into"))
        rules.append(Rule("merged into another record", f"coalesce({other} <> {own}, false)", ("merged_into",)))
    if settings.name_flags:
        flags = "|".join(settings.name_flags)
        rules.append(
            Rule(
                "the name carries a mark such as DUPLICATE, TEST or DO NOT USE",
                "regexp_matches(upper(concat_ws(' ', r.family_name, r.given_name, r.given_names, r.full_name)),"
                f" {quoted(f'(^|[^A-Z])({flags})([^A-Z]|$)')})",
                ("family_name",),
            )
        )
    return rules


def _marked(settings: Mapped, rule: LeaveOut) -> Rule:
    """Marked in the record itself, or in a file of marks."""

    def marked(record: str) -> str:
        x = f"{record}.{rule.field}"
        return f"coalesce(lower({x}) IN ({listed(rule.words)}), false)" if rule.words else texts.said(x)

    when = marked("r")
    if rule.titles and settings.reads("mark"):
        when += (
            f" OR EXISTS (SELECT 1 FROM raw_mark m JOIN reading_file mf ON mf.file = m.file WHERE {marked('m')}"
            f" AND {texts.padded(settings, 'm.person_id')} = r.record_id AND mf.source_org = r.source_org)"
        )
    return Rule(rule.because, when, (rule.field,))
