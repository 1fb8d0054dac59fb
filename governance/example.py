"""A complete, signed agreement for trying things out, with dates around a given day, and a list of allowed numbers.

Every organisation and name in it is made up, and its signatories' keys are known to everybody: R03 takes them for no
other organisations than the made-up ones. It is also what `fixtures/agreements/commissioning-pseudonymised.toml` is
made from.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from governance.agreement import reading, signing
from governance.agreement.example_keys import EXAMPLE_KEYS
from governance.optout import receipt_path

APPROVER = "Example Approver"
"""Somebody who is not the maker; any other name would do."""

LIST_NAME = "allowed-numbers.dat"


def agreement_text(today: date) -> str:
    """A commissioning agreement, pseudonymised, that holds on `today`."""
    days = {
        "from": -30,
        "trained": -60,
        "notice": -20,
        "review": 150,
        "assured": 200,
        "to": 330,
        "retention": 700,
    }
    return _TEXT.format(list_name=LIST_NAME, **{name: today + timedelta(days=count) for name, count in days.items()})


def write_allowed_list(folder: Path, numbers: Iterable[str], *, checked_on: date) -> Path:
    """Write a list of allowed NHS numbers as MESH carries it, with its receipt."""
    path = folder / LIST_NAME
    data = "".join(f"{number},\n" for number in sorted(set(numbers))).encode("ascii")
    path.write_bytes(data)
    receipt = f'checked_on = {checked_on}\nsha256 = "{sha256(data).hexdigest()}"\n'
    receipt_path(path).write_text(receipt, encoding="utf-8", newline="\n")
    return path


def sign(path: Path, *, on: date) -> None:
    """Have every made-up signatory sign the agreement at `path`."""
    data = reading.read(path)
    agreement = reading.parse(path, data)
    for _, signatory in agreement.signatories:
        if signatory.key in EXAMPLE_KEYS:
            signing.sign(agreement, path, data, EXAMPLE_KEYS[signatory.key], today=on)


def write(folder: Path, numbers: Iterable[str], *, today: date) -> Path:
    """Write the agreement, signed, and a list of allowed `numbers` into `folder`; gives the agreement's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_allowed_list(folder, numbers, checked_on=today - timedelta(days=1))
    path = folder / "agreement.toml"
    path.write_text(agreement_text(today), encoding="utf-8", newline="\n")
    sign(path, on=today - timedelta(days=40))
    return path


_TEXT = """\
# A data sharing agreement as caretrace reads it. Everything in it is made up.
format = 2
id = "DSA-EXAMPLE-01"
version = "1.0"
title = "Care and general practice together: planning home care"

[dates]
effective_from = {from}
effective_to = {to}
review_date = {review}

[[parties]]
name = "Exampleshire Council"
ods_code = "X0X01"
role = "controller"
signatories = [
  {{ role = "Caldicott Guardian", name = "Example Guardian of the Council", key = "ed25519:fSH1kjBvFbpiUzq5qpBRWab6cQ/V/2ItOhbpdQBAS18=" }},
  {{ role = "SIRO", name = "Example Risk Owner of the Council", key = "ed25519:Y7W91HW9xK0hSYxdtzsEiBiQIH6p6ooT0Dj/nVvLcdo=" }},
]

[[parties]]
name = "Exampleshire Integrated Care Board"
ods_code = "X0X02"
role = "recipient"
signatories = [
  {{ role = "Caldicott Guardian", name = "Example Guardian of the Board", key = "ed25519:Z2Ah36wQcW95hUMsG7QnT5+NmQ3NC1zXV21mmwO8TcU=" }},
]
ico_registration = "ZEXAMPLE1"
ico_expires = {assured}
dspt_status = "Standards met"
dspt_expires = {assured}
territory = "England"
encryption_keys = ["age16ef6y3pcfussw3vjaghvv3l8zat8xd6txk37jrafu45n7wykdvqqllhjfs"]

[purpose]
code = "commissioning"
statement = "Plan home care where people need it, by age and place."
benefits = "Care packages begin sooner; fewer people wait in hospital for one."
processing = "Counts and trends by age band, district and kind of service."

[lawfulness]
article_6 = "6(1)(e) public task"
article_9 = "9(2)(h) health or social care"
schedule_1 = "Part 1 paragraph 2, health or social care purposes"
common_law = "section 251"
common_law_linkage = "section 251"
statutory_gateway = "NHS Act 2006 section 251"
cag_reference = "00/CAG/0000 (example)"
cag_expires = {to}
cag_conditions_acknowledged = true
dpia_reference = "DPIA-EXAMPLE-01"
privacy_notice = "https://council.example/privacy/linked-care"
privacy_notice_date = {notice}

[choices]
national_data_opt_out = "applied"
allowed_list = "{list_name}"
max_age_days = 7
without_nhs_number = "exclude"

[data]
form = "pseudonymised_limited"
form_reason = "Services are followed over time for one person, which totals cannot show."
people = "linked"
cohort_description = "Clients of adult social care whose NHS number was found."
linkage_description = "Council client records joined to general practice registers on the NHS number."
frequency = "monthly"
releases_allowed = 12

[[data.tables]]
name = "person"
fields = [
  {{ name = "birth_date", transform = "five_year_band", justification = "Need for care differs by age." }},
  {{ name = "gender", transform = "keep", justification = "Need for care differs between women and men." }},
  {{ name = "postcode", transform = "district", justification = "Providers are commissioned by place." }},
]

[[data.tables]]
name = "service"
fields = [
  {{ name = "event_id", transform = "pseudonym", justification = "Tells two services of one person apart." }},
  {{ name = "service_type", transform = "keep", justification = "The kind of care that is planned." }},
  {{ name = "start_date", transform = "month", justification = "Waiting is measured in months." }},
  {{ name = "end_date", transform = "month", justification = "Length of care is measured in months." }},
]

[disclosure]
k = 5
below_k = "withhold"
max_withheld_share = 0.10

[pseudonyms]
epoch = "1"
custodian = "X0X01"

[handling]
retention_until = {retention}
territory = ["England"]
onward_sharing = false
re_identification_forbidden = true
incident_contact = "Information governance, Exampleshire Council"
transfer_method = "Encrypted channel agreed between the parties"
destruction = "Certificate within 30 days of the end of retention"

[[access]]
name = "Example Analyst of the Board"
organisation = "X0X02"
trained_on = {trained}
"""  # noqa: E501
