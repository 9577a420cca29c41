"""units.yaml: which units curate, approve and own what. Read strictly: what isn't understood is refused, by name."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from orcid_sync.errors import Misconfigured
from orcid_sync.model.orcid_id import is_client_id
from orcid_sync.model.sections import ACTIVITIES, SECTIONS

CODE = re.compile(r"[a-z][a-z0-9_]{0,30}")
# The ledger's own roles are called <database>_owner, _app and _unit.
RESERVED_CODES = frozenset({"owner", "app", "unit"})
CLIENT = re.compile(r"[a-z][a-z0-9_]{0,30}")

Approval = Literal["librarian", "researcher", "automatic"]
Duplicates = Literal["skip", "assert_over_self_claimed", "assert"]
Posts = Literal["all", "primary"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Contact(_Strict):
    """Whom to ask about a unit, and when somebody last made sure that it is still this person."""

    name: str = Field(min_length=1)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    confirmed: dt.date | None = None


class Contacts(_Strict):
    """`librarians` get the e-mails about batches, `main` where none are named; `technical` gets alerts."""

    main: Contact | None = None
    technical: Contact | None = None
    comms: Contact | None = None
    librarians: list[Contact] = []


class Broker(_Strict):
    """What a unit's own systems may do with the researchers' permissions, through the broker.

    `calls` are methods and endpoints of the Member API, `GET activities`, `POST employment`, `PUT employment`. With `mode`
    token they get the token itself, for permissions that hold no other scopes than `scopes`.
    """

    mode: Literal["proxy", "token"] = "proxy"
    scopes: list[str] = ["/read-limited", "/activities/update"]
    calls: list[str] = []


class Unit(_Strict):
    """One unit as the file declares it. `client` is the code of an API client: connection `orcid`, `orcid_<code>`."""

    code: str
    name: str = Field(min_length=1)
    sections: list[str] = Field(min_length=1)
    default_for: list[str] = []
    subtree: list[str] = []
    client: str = "default"
    approval: Approval = "librarian"
    duplicates: Duplicates = "skip"
    posts: Posts = "all"
    librarians: list[str] = []
    contacts: Contacts = Contacts()
    pilot: list[str] = []
    broker: Broker | None = None


class _Content(_Strict):
    our_clients: list[str] = []
    units: list[Unit] = Field(min_length=1)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which unit and field, why, and what to do."""

    unit: str
    field: str
    why: str
    remedy: str

    def __str__(self) -> str:
        place = f"unit {self.unit}, {self.field}" if self.unit else self.field
        return f"{place}: {self.why}. {self.remedy}"


class UnitsFileInvalid(Misconfigured):
    """The units file can't be used; `problems` says why, all at once."""

    kind = "units_file_invalid"

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"The units file {path} can't be used",
            why="; ".join(str(problem) for problem in problems),
            remedy="Correct it and run `orcid-sync units apply` again; nothing was changed",
        )


@dataclass(frozen=True)
class UnitsFile:
    """The checked content of a units file."""

    path: Path
    our_clients: tuple[str, ...]
    units: tuple[Unit, ...]


def load_units(path: Path | str) -> UnitsFile:
    """Read and check a units file. Raises UnitsFileInvalid naming file, unit, field and remedy of all problems."""
    path = Path(path)
    raw = _read(path)
    try:
        content = _Content.model_validate(raw)
    except ValidationError as error:
        problems = [_problem(detail, raw) for detail in error.errors()]
    else:
        problems = list(_contradictions(content))
    if problems:
        raise UnitsFileInvalid(path, problems)
    return UnitsFile(path, tuple(content.our_clients), tuple(content.units))


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice; the plain loader would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, count in Counter(map(str, keys)).items():
            if count > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key} stands twice", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep)


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        problem = Problem("", "file", f"it can't be read: {reason}", "Name a readable YAML file")
        raise UnitsFileInvalid(path, [problem]) from None
    try:
        return yaml.load(text, Loader=_UniqueKeys) or {}  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        why = f"it is no valid YAML: {error.problem or error.context}"
    except yaml.YAMLError:
        line, why = 0, "it is no valid YAML"
    raise UnitsFileInvalid(path, [Problem("", f"line {line}", why, "Correct the line")]) from None


def _problem(detail: ErrorDetails, raw: Any) -> Problem:
    """A pydantic error in terms of the file."""
    place = detail["loc"]
    unit = ""
    if len(place) >= 2 and place[0] == "units":
        unit = _unit_label(raw, place[1])
        place = place[2:]
    field = ".".join(str(part) for part in place) or "its content"
    match detail["type"]:
        case "extra_forbidden":
            return Problem(unit, field, "no such field", _did_you_mean([str(part) for part in place], unit))
        case "missing":
            return Problem(unit, field, "it is missing", "Add it")
        case "string_type":
            return Problem(unit, field, "it is no text", "Put it in quotes")
        case "too_short" | "string_too_short":
            return Problem(unit, field, "it is empty", "Fill it")
        case "date_type" | "date_from_datetime_parsing":
            return Problem(unit, field, "it is no date", "Write it like 2026-03-01")
        case _:
            return Problem(unit, field, detail["msg"][:1].lower() + detail["msg"][1:], "Correct it")


def _unit_label(raw: Any, index: object) -> str:
    try:
        return str(raw["units"][index]["code"])
    except (KeyError, IndexError, TypeError):
        return f"number {int(str(index)) + 1}"


def _did_you_mean(place: Sequence[str], unit: str) -> str:
    model: type[BaseModel] = _Content
    if unit:
        model = (Unit, Broker if place[0] == "broker" else Contacts, Contact)[min(len(place), 3) - 1]
    known = list(model.model_fields)
    close = difflib.get_close_matches(place[-1], known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are {', '.join(known)}"


def _contradictions(content: _Content) -> Iterator[Problem]:
    """What is wrong although each field by itself has the right shape."""
    for client_id in content.our_clients:
        if not is_client_id(client_id):
            yield Problem(
                "", "our_clients", f"{client_id} is no API client id", "Write it like APP-0123456789ABCDEF"
            )
    yield from _said_twice("", "our_clients", content.our_clients)
    yield from _said_twice("", "units", [unit.code for unit in content.units])
    for unit in content.units:
        yield from _unit_problems(unit)
    yield from _claimed_twice(
        {
            (section,): [unit.code for unit in content.units if section in unit.default_for]
            for section in SECTIONS
        },
        "default_for",
        "Leave each section to one unit",
    )
    yield from _claimed_twice(
        {
            (section, root): [u.code for u in content.units if section in u.sections and root in u.subtree]
            for section in SECTIONS
            for root in sorted({root for unit in content.units for root in unit.subtree})
        },
        "subtree",
        "Let each part of the university belong to one unit in each section",
    )


def _unit_problems(unit: Unit) -> Iterator[Problem]:
    if not CODE.fullmatch(unit.code):
        why = (
            "a code is a lower-case letter followed by at most 30 lower-case letters, digits and underscores"
        )
        yield Problem(unit.code, "code", why, "Choose another code")
    if unit.code in RESERVED_CODES:
        yield Problem(
            unit.code, "code", "this name is reserved for a role of the ledger", "Choose another code"
        )
    if not CLIENT.fullmatch(unit.client):
        why = f"{unit.client} is no code of an API client"
        remedy = "Use `default` for the connection `orcid`, `x` for the connection `orcid_x`"
        yield Problem(unit.code, "client", why, remedy)
    for field in ("sections", "default_for"):
        for section in getattr(unit, field):
            if section not in SECTIONS:
                yield Problem(
                    unit.code, field, f"there is no section {section}", f"Known are {', '.join(SECTIONS)}"
                )
    for section in unit.default_for:
        if section in SECTIONS and section not in unit.sections:
            why = f"it isn't allowed to own {section}"
            yield Problem(unit.code, "default_for", why, f"Add {section} to its sections")
    addresses = [contact.email.lower() for contact in unit.contacts.librarians]
    for address, count in Counter(addresses).items():
        if count > 1:
            # Which one, its place says: an address is not repeated in a message that may be passed on.
            place = addresses.index(address) + 1
            why = f"the address of number {place} stands {count} times"
            yield Problem(unit.code, "contacts.librarians", why, "Keep one")
    for field in ("sections", "default_for", "subtree", "librarians", "pilot"):
        yield from _said_twice(unit.code, field, getattr(unit, field))
        if any(not value.strip() for value in getattr(unit, field)):
            yield Problem(unit.code, field, "an entry is blank", "Remove it")
    yield from _broker_problems(unit)
    if unit.approval == "librarian" and not unit.librarians:
        yield Problem(
            unit.code,
            "librarians",
            "nobody could approve: approval is librarian and no librarian is named",
            "Name the Airflow users who approve, or choose another approval",
        )


BROKER_METHODS: Final = ("GET", "POST", "PUT", "DELETE")


def _broker_problems(unit: Unit) -> Iterator[Problem]:
    readable = {"record", "activities", *ACTIVITIES, *(section.plural for section in ACTIVITIES.values())}
    for call in unit.broker.calls if unit.broker else ():
        method, _, endpoint = call.partition(" ")
        why = remedy = ""
        if method not in BROKER_METHODS:
            why, remedy = f"{call} begins with no method", f"Begin with one of {', '.join(BROKER_METHODS)}"
        elif endpoint not in readable:
            why, remedy = f"{call} names no endpoint", f"Known are {', '.join(sorted(readable))}"
        elif method != "GET" and not _may_write(unit, method, endpoint):
            why = f"{call} would write what the unit may not own, or what takes no such call"
            remedy = "Write to an endpoint of its sections; several works at a time go to POST works"
        if why:
            yield Problem(unit.code, "broker.calls", why, remedy)
    if unit.broker:
        yield from _said_twice(unit.code, "broker.calls", unit.broker.calls)


def _may_write(unit: Unit, method: str, endpoint: str) -> bool:
    if endpoint in unit.sections and endpoint in ACTIVITIES:
        return True
    bulk = [
        section.plural for section in SECTIONS.values() if section.bulk > 1 and section.name in unit.sections
    ]
    return method == "POST" and endpoint in bulk


def _said_twice(unit: str, field: str, values: list[str]) -> Iterator[Problem]:
    for value, count in Counter(values).items():
        if count > 1:
            yield Problem(unit, field, f"{value} stands {count} times", "Keep one")


def _claimed_twice(claims: Mapping[tuple[str, ...], list[str]], field: str, remedy: str) -> Iterator[Problem]:
    for what, codes in claims.items():
        if len(set(codes)) > 1:
            why = f"{' of '.join(what)} is also claimed by {', '.join(codes[1:])}"
            yield Problem(codes[0], field, why, remedy)
