"""Beginnings of agreements for the usual kinds: every part is there, and what somebody must fill in says so.

The choices that follow from the kind are made (form, common law basis, opt-outs, transforms), with the reason beside
them; they are our own suggestions, to be changed by whoever knows better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from schemas.errors import InputError, SettingsError

BLANK = "TO FILL IN"
NO_KEY = f"ed25519:{'A' * 43}="
"""Stands for a signatory's key until they have sent it (`caretrace agreement key`)."""
NO_RECIPIENT = f"age1{'q' * 58}"
"""Stands for the recipient's encryption key; it is none."""


@dataclass(frozen=True)
class _Kind:
    purpose: str
    lawfulness: str
    choices: str
    form: str
    people: str
    person: str
    service: str
    disclosure: str


_OPT_OUT_APPLIES = """\
national_data_opt_out = "applied" # the use is beyond individual care
allowed_list = "allowed-numbers.dat" # the reply of the check service, with its receipt beside it
max_age_days = 7 # [assumed] how old the reply may be
without_nhs_number = "exclude\""""
_SECTION_251 = """\
common_law = "section 251"
common_law_linkage = "section 251" # the linkage reads identifiable data, whatever leaves
statutory_gateway = "NHS Act 2006 section 251"
cag_reference = "TO FILL IN"
cag_expires = {to}
cag_conditions_acknowledged = false"""
_COARSE = """\
  { name = "birth_date", transform = "five_year_band", justification = "TO FILL IN" },
  { name = "gender", transform = "keep", justification = "TO FILL IN" },
  { name = "postcode", transform = "district", justification = "TO FILL IN" },"""
_COARSE_SERVICE = """\
  { name = "service_type", transform = "keep", justification = "TO FILL IN" },
  { name = "start_date", transform = "month", justification = "TO FILL IN" },
  { name = "end_date", transform = "month", justification = "TO FILL IN" },"""

KINDS: Mapping[str, _Kind] = {
    "direct-care": _Kind(
        purpose='code = "direct care"\n'
        'legitimate_relationship = "TO FILL IN" # who cares for these people, and how it is shown',
        lawfulness='common_law = "direct care"\ncommon_law_linkage = "direct care"',
        choices='national_data_opt_out = "exempt" # it does not apply to individual care\n'
        'exemption = "individual care"\n'
        'exemption_evidence = "National data opt-out policy: it does not apply to individual care"',
        form="identifiable",
        people="linked",
        person='  { name = "person_nhs_number", transform = "keep", justification = "TO FILL IN" },\n'
        '  { name = "family_name", transform = "keep", justification = "TO FILL IN" },\n'
        '  { name = "given_name", transform = "keep", justification = "TO FILL IN" },\n'
        '  { name = "birth_date", transform = "keep", justification = "TO FILL IN" },',
        service='  { name = "service_type", transform = "keep", justification = "TO FILL IN" },\n'
        '  { name = "start_date", transform = "keep", justification = "TO FILL IN" },',
        disclosure="",
    ),
    "commissioning": _Kind(
        purpose='code = "commissioning"',
        lawfulness=_SECTION_251,
        choices=_OPT_OUT_APPLIES,
        form="pseudonymised_limited",
        people="linked",
        person=_COARSE,
        service='  { name = "event_id", transform = "pseudonym", justification = "TO FILL IN" },\n' + _COARSE_SERVICE,
        disclosure='k = 5 # [assumed] least group of look-alikes\nbelow_k = "withhold"\nmax_withheld_share = 0.05\n'
        'events = "withhold" # rows of events that fewer than k people share are left out',
    ),
    "research": _Kind(
        purpose='code = "research"',
        lawfulness=_SECTION_251 + '\nethics_reference = "TO FILL IN"',
        choices=_OPT_OUT_APPLIES,
        form="anonymised",
        people="linked",
        person=_COARSE.replace('"district"', '"area"'),
        service=_COARSE_SERVICE.replace('"month"', '"year"'),
        disclosure='k = 11 # [assumed]\nbelow_k = "withhold"\nmax_withheld_share = 0.05\n'
        'events = "withhold" # rows of events that fewer than k people share are left out\n'
        'risk_assessment = "TO FILL IN" # ISB 1523: assessment and plan\n'
        "# intruder_test_on = 2026-01-31 # the day of the last motivated intruder test, under 24 months ago",
    ),
    "publication": _Kind(
        purpose='code = "publication"',
        lawfulness=_SECTION_251,
        choices=_OPT_OUT_APPLIES,
        form="aggregate",
        people="linked",
        person=_COARSE,
        service=_COARSE_SERVICE,
        disclosure='small_numbers = "nhs-hes-2018" # small counts are hidden, the others rounded\n'
        'risk_assessment = "TO FILL IN" # ISB 1523: assessment and plan\n'
        "# intruder_test_on = 2026-01-31 # the day of the last motivated intruder test, under 24 months ago\n\n"
        "# Each is a table of how many people; see docs/governance/aggregates.md.\n"
        '[[data.counts]]\nname = "people_by_age_and_district"\ndimensions = ["person.birth_date", "person.postcode"]\n'
        'justification = "TO FILL IN"\n',
    ),
}


def text(kind: str, *, today: date) -> str:
    """The template of a kind, with dates from `today`; SettingsError where there is no such kind."""
    if kind not in KINDS:
        raise SettingsError(f"there is no kind of agreement '{kind}'; choose {', '.join(KINDS)}")
    chosen, year = KINDS[kind], timedelta(days=365)
    days = {"from": today, "to": today + year, "review": today + year // 2, "retention": today + 2 * year}
    filled = _TEXT
    for name, value in vars(chosen).items():
        filled = filled.replace(f"<{name}>", value)
    for name, day in days.items():
        filled = filled.replace(f"{{{name}}}", day.isoformat())
    return filled


def begin(path: Path, kind: str, *, today: date) -> None:
    """Write the template of a kind to a new file."""
    written = text(kind, today=today)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(written)
    except FileExistsError:
        raise InputError("exists already; an agreement is never overwritten", path=path) from None
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}); check the path", path=path) from None


_TEXT = f"""\
# A data sharing agreement as caretrace reads it (docs/governance/agreements.md says what each line means).
# Fill in what says '{BLANK}', then: caretrace agreement check THIS-FILE
format = 2
id = "{BLANK}"
version = "1.0"
title = "{BLANK}"

[dates]
effective_from = {{from}}
effective_to = {{to}}
review_date = {{review}}

# Each signatory makes their own key (`caretrace agreement key FILE`) and sends the line it prints; compare its
# fingerprint over the telephone. They sign the finished file, and nothing in it may change afterwards.
[[parties]]
name = "{BLANK}"
ods_code = "X0X01" # {BLANK}: the controller's ODS code
role = "controller"
signatories = [
  {{ role = "Caldicott Guardian", name = "{BLANK}", key = "{NO_KEY}" }},
  {{ role = "SIRO", name = "{BLANK}", key = "{NO_KEY}" }},
]

[[parties]]
name = "{BLANK}"
ods_code = "X0X02" # {BLANK}: the recipient's ODS code
role = "recipient"
signatories = [
  {{ role = "Caldicott Guardian", name = "{BLANK}", key = "{NO_KEY}" }},
]
ico_registration = "{BLANK}"
ico_expires = {{to}}
dspt_status = "{BLANK}" # Standards met, or Standards exceeded
dspt_expires = {{to}}
territory = "England"
encryption_keys = ["{NO_RECIPIENT}"] # the recipient's, printed by `caretrace release key` or age-keygen

[purpose]
<purpose>
statement = "{BLANK}"
benefits = "{BLANK}"
processing = "{BLANK}"

[lawfulness]
article_6 = "{BLANK}" # such as 6(1)(e) public task
article_9 = "{BLANK}" # such as 9(2)(h) health or social care
schedule_1 = "{BLANK}" # such as Part 1 paragraph 2
<lawfulness>
dpia_reference = "{BLANK}"
privacy_notice = "{BLANK}"
privacy_notice_date = {{from}}

[choices]
<choices>

[data]
form = "<form>" # the lowest that serves the purpose: aggregate, anonymised, pseudonymised_limited, identifiable
form_reason = "{BLANK}" # why a lower form will not do
people = "<people>" # linked, clients or all
cohort_description = "{BLANK}"
linkage_description = "Council client records joined to general practice registers on the NHS number."
frequency = "one-off"
releases_allowed = 1

[[data.tables]]
name = "person"
fields = [
<person>
]

[[data.tables]]
name = "service"
fields = [
<service>
]

[disclosure]
<disclosure>

[approval] # of each single release, by somebody other than its maker
signed = true # with a controller's signatory's own key (`caretrace release approve`), not a name typed in
valid_days = 7 # [assumed] how old an approval may be

[pseudonyms]
epoch = "1"
custodian = "X0X01" # who keeps the key; never the recipient

[handling]
retention_until = {{retention}}
territory = ["England"]
onward_sharing = false
re_identification_forbidden = true
incident_contact = "{BLANK}"
transfer_method = "{BLANK}"
destruction = "Certificate within 30 days of the end of retention"

[[access]]
name = "{BLANK}"
organisation = "X0X02"
trained_on = {{from}}
"""
