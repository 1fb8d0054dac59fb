"""The person file of a mapping: several rows a person, names in several shapes, the NHS number in several places."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from connectors import values
from connectors.supplier import Fill, Kind, Lookup, Repeats
from connectors.suppliers.mapped import beside, leaving_out, texts
from connectors.suppliers.mapped.fields import KINDS
from connectors.suppliers.mapped.settings import Mapped
from connectors.values import Value, quoted, text
from schemas import PERSON
from schemas.codes import ETHNIC_CATEGORY, NHS_NUMBER_STATUS


def kind(settings: Mapped) -> Kind:
    """The person file, recognised by the columns the mapping requires."""
    declared = settings.kinds["person"]
    identifiers = {f"identifier_{n}": titles for n, titles in enumerate(settings.identifiers.values(), start=1)}
    fields = (*KINDS["person"], *(rule.field for rule in settings.leave_out if rule.titles))
    placed = texts.has_place(settings, "person")
    return Kind(
        name="person",
        columns={field: declared.columns.get(field, ()) for field in fields} | identifiers,
        required=declared.required,
        fills=(Fill(PERSON, _person(settings), once=True), *beside.fills(settings)),
        preamble=settings.preamble,
        record_id=texts.padded(settings, "r.person_id"),
        key_columns=("person_id",),
        derived=_known(settings) | (texts.place(settings, "person") | texts.until() if placed else {}),
        repeats=Repeats.FOLD,
        keep_repeats=texts.anywhere("r") if placed else "FALSE",
        alike={
            "nhs_number": "nhs_number(r.number)",
            "birth_date": texts.day(settings, "r.born").parsed,
            "family_name": "upper(r.family)",
        },
        exclude=leaving_out.rules(settings),
    )


def lookups(settings: Mapped, kinds: Set[str]) -> tuple[Lookup, ...]:
    """The current home, the NHS number among the identifiers, and the first phone, of the kinds there are."""
    found = []
    if homes := tuple(name for name in ("address", "person") if name in kinds and texts.has_place(settings, name)):
        found.append(
            Lookup(
                alias="home",
                kinds=homes,
                where=f"home.kind_of_address = 'home' AND {texts.anywhere('home')}"
                f" AND {texts.is_open(settings, 'home')}",
                order=f"{values.is_true('main_address')} DESC, {texts.latest(settings)}",
            )
        )
    if "identifier" in kinds:
        found += [
            Lookup(
                alias=alias,
                kinds=("identifier",),
                where=f"{alias}.value IS NOT NULL AND {texts.is_nhs_number(settings, alias)}"
                f" AND {texts.is_open(settings, alias)}",
                order=order,
                of_several=alias == "rival",
            )
            for alias, order in (
                ("reference", f"nhs_number(value) IS NULL, {texts.latest(settings)}"),
                # The one that is least likely taken, which says whether there is another.
                ("rival", f"nhs_number(value) IS NULL, {texts.earliest(settings)}, file, record"),
            )
        ]
    if "phone" in kinds:
        # A mobile is kept longest.
        order = "coalesce(phone_type ILIKE '%mobile%', false) DESC, file, record"
        found.append(Lookup(alias="telephone", kinds=("phone",), where="telephone.phone IS NOT NULL", order=order))
    return tuple(found)


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
    lives = any(texts.has_place(settings, name) for name in ("person", "address") if settings.reads(name))
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
        **({name: value.quietly() for name, value in texts.places("home").items()} if lives else {}),
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
    several = "CASE WHEN {v}.rival <> {v}.number THEN 'several identifier rows in use hold different NHS numbers' END"
    warning = f"coalesce({another}, {held.warning})".replace("{v}", "{v}.number")
    return replace(
        held,
        parsed="{'number': coalesce(nhs_number(r.number), nhs_number(reference.value)),"
        " 'rival': nhs_number(rival.value)}",
        warning=f"coalesce({warning}, {several})",
        final="{v}.number",
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
