"""Units, staff, posts, and the small sections: grants, reviews, degrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import cycle
from typing import Final

from orcid_sync.cris.demo import check_digits, words
from orcid_sync.cris.demo.dice import Dice
from orcid_sync.cris.demo.rows import (
    Appointment,
    Award,
    AwardHolder,
    Degree,
    NameVariant,
    Organisation,
    Person,
    Review,
    SeededDirt,
)

UNIVERSITY_ID: Final = "U-0001"
LIBRARY_ID: Final = "U-0900"
HOSPITAL_ID: Final = "U-0800"
UNIVERSITY_ROR: Final = check_digits.ror(31_415_926)
HOSPITAL_ROR: Final = check_digits.ror(27_182_818)
IMPORT_DAY: Final = "2015-07-20"
"""The day that a migration wrote into posts whose true start was lost."""


@dataclass
class Department:
    """A unit that people work in; `members` are indexes into the staff list."""

    org_id: str
    name: str
    topics: tuple[str, ...]
    members: list[int] = field(default_factory=list)


@dataclass
class Staff:
    """Everybody, with posts; what the publications are written by."""

    people: list[Person]
    departments: list[Department]
    department_of: list[int]
    variants: list[NameVariant]
    appointments: list[Appointment]
    dirt: list[SeededDirt]


def organisations(changed_at: str) -> Iterator[Organisation]:
    """The university, six faculties with thirty departments, the library, the hospital, and a closed unit."""

    def unit(
        org_id: str,
        parent: str | None,
        name: str,
        kind: str,
        ror: str | None = None,
        closed: int | None = None,
    ) -> Organisation:
        opened = 1894 if parent is None else None
        return Organisation(
            org_id, parent, name, None, kind, words.CITY, words.COUNTRY, ror, opened, closed, changed_at
        )

    yield unit(UNIVERSITY_ID, None, words.UNIVERSITY, "university", UNIVERSITY_ROR)
    for number, (faculty, departments) in enumerate(words.FACULTIES.items(), start=1):
        yield unit(f"U-{number:02d}00", UNIVERSITY_ID, faculty, "faculty")
        for place, department in enumerate(departments, start=1):
            yield unit(f"U-{number:02d}{place:02d}", f"U-{number:02d}00", department, "department")
    yield unit(HOSPITAL_ID, UNIVERSITY_ID, words.HOSPITAL, "hospital", HOSPITAL_ROR)
    yield unit("U-0801", HOSPITAL_ID, "Institute of Clinical Research", "institute")
    yield unit(LIBRARY_ID, UNIVERSITY_ID, "University Library", "library")
    yield unit("U-0190", "U-0100", "Department of Palaeography", "department", closed=2019)


def departments() -> list[Department]:
    """The units with staff of their own."""
    found = [
        Department(f"U-{number:02d}{place:02d}", name, words.TOPICS[number - 1])
        for number, names in enumerate(words.FACULTIES.values(), start=1)
        for place, name in enumerate(names, start=1)
    ]
    found.append(Department("U-0801", "Institute of Clinical Research", words.TOPICS[4]))
    found.append(Department(LIBRARY_ID, "University Library", words.TOPICS[0]))
    return found


def make_staff(dice: Dice, count: int, dirt: float, today: date, changed_at: str) -> Staff:
    """`count` people with their posts; `dirt` is the share of people, and of posts, with a flaw."""
    staff = Staff([], departments(), [], [], [], [])
    for index in range(count):
        place = dice.below(len(staff.departments))
        staff.department_of.append(place)
        staff.departments[place].members.append(index)
        person = _person(dice, index, changed_at)
        staff.people.append(person)
        if dice.chance(0.3) and person.forenames:
            spelling = f"{person.surname}, {person.forenames[0]}."
            staff.variants.append(NameVariant(person.person_id, 1, spelling))
        staff.appointments.extend(_career(dice, staff, index, today, changed_at))
    if dirt > 0:
        _soil_people(dice, staff, max(1, round(count * dirt / len(_PERSON_FLAWS))))
        _soil_posts(dice, staff, max(1, round(len(staff.appointments) * dirt / len(_POST_FLAWS))))
    return staff


def _person(dice: Dice, index: int, changed_at: str) -> Person:
    surname, forenames = dice.pick(words.SURNAMES), dice.pick(words.FORENAMES)
    if dice.chance(0.25):
        forenames += f" {dice.pick('ABCDEFGHJKLMNPRSTW')}."
    orcid = check_digits.orcid(index) if dice.chance(0.85) else None
    single_name = dice.chance(0.005)
    return Person(
        person_id=f"P{index + 1:06d}",
        surname=forenames if single_name else surname,
        forenames=None if single_name else forenames,
        published_as=f"{forenames[0]}. {surname}" if dice.chance(0.3) else None,
        orcid=orcid,
        orcid_origin=dice.pick(("oauth", "typed", "typed", "import", None)) if orcid else None,
        mail=f"staff{index + 1}@{words.DOMAIN}",
        left_on=None,
        profile="FREE",
        export_to_orcid=True,
        changed_at=changed_at,
    )


def _career(dice: Dice, staff: Staff, index: int, today: date, changed_at: str) -> Iterator[Appointment]:
    """One to four posts: ends, changes of department, concurrent posts, leavers."""
    person = staff.people[index]
    home = staff.departments[staff.department_of[index]]
    start = date(dice.between(1988, today.year - 1), 1, 1) + timedelta(days=dice.below(365))
    leaves = dice.chance(0.12)
    posts: list[tuple[str, str, date, date | None, bool]] = []
    if dice.chance(0.3):
        # The first post ended; the next began the day after, often elsewhere.
        change = start + timedelta(days=dice.between(300, 2500))
        if change < today - timedelta(days=200):
            first = dice.pick(staff.departments).org_id if dice.chance(0.6) else home.org_id
            posts.append((first, "staff", start, change, False))
            start = change + timedelta(days=1)
    end = min(today, start + timedelta(days=dice.between(200, 6000))) if leaves else None
    posts.append((home.org_id, "staff", start, end, True))
    if end is None and dice.chance(0.08):
        other = dice.pick(staff.departments).org_id
        posts.append((other, "staff", min(today, start + timedelta(days=90)), None, False))
    if dice.chance(0.05):
        posts.append((UNIVERSITY_ID, dice.pick(tuple(_HONOURS)), start, end, False))
    if end is not None:
        person.left_on = end.isoformat()
    for number, (org_id, kind, begins, ends, main) in enumerate(posts, start=1):
        yield Appointment(
            appointment_id=f"E{person.person_id[1:]}-{number}",
            person_id=person.person_id,
            org_id=org_id,
            kind=kind,
            job_title=_HONOURS.get(kind) or dice.pick(words.POSTS),
            department_label=None,
            started=_partly(dice, begins),
            ended=None if ends is None else _partly(dice, ends),
            main=main,
            fte=dice.pick(("1.00", "1.00", "0.80", "0.50")) if kind == "staff" else None,
            profile="FREE",
            web=None,
            managing_org=HOSPITAL_ID if org_id == "U-0801" else None,
            changed_at=changed_at,
        )


_HONOURS: Final = {
    "committee": "Member of Senate",
    "visitor": "Visiting Professor",
    "academy": "Fellow of the College",
    "medal": "Founders' Medal",
}


def _partly(dice: Dice, day: date) -> str:
    """The day, or as much of it as the personnel office knew."""
    return day.isoformat()[: dice.pick((10, 10, 10, 10, 10, 10, 10, 7, 7, 4))]


_PERSON_FLAWS: Final = (
    "person_orcid_check_digit",
    "person_orcid_shared",
    "person_orcid_spelled_as_url",
    "person_orcid_junk",
    "person_opted_out",
    "person_hidden",
    "person_internal",
    "person_name_with_byte_order_mark",
)


def _soil_people(dice: Dice, staff: Staff, each: int) -> None:
    # Nobody is soiled twice; the heavy publishers at the list's head are spared.
    order = [
        index for index in range(len(staff.people) // 10, len(staff.people)) if staff.people[index].orcid
    ]
    dice.shuffle(order)
    untouched = [person.orcid for person in staff.people if person.orcid]
    donors = cycle(untouched[: max(1, len(staff.people) // 10)])
    for kind, index in zip(cycle(_PERSON_FLAWS), order[: each * len(_PERSON_FLAWS)], strict=False):
        person = staff.people[index]
        orcid = person.orcid or ""
        match kind:
            case "person_orcid_check_digit":
                person.orcid = check_digits.spoil_check_digit(orcid)
            case "person_orcid_shared":
                person.orcid = next(donors)
            case "person_orcid_spelled_as_url":
                person.orcid = dice.pick(
                    (f"https://orcid.org/{orcid}", f"http://orcid.org/{orcid}", orcid.replace("-", ""))
                )
            case "person_orcid_junk":
                person.orcid = dice.pick(("n/a", "see homepage", "1122-1299-6202-273X"))
            case "person_opted_out":
                person.export_to_orcid = False
            case "person_hidden":
                person.profile = "CONFIDENTIAL"
            case "person_internal":
                person.profile = "CAMPUS"
            case "person_name_with_byte_order_mark":
                person.surname = f"\ufeff{person.surname}"
        staff.dirt.append(SeededDirt("staff", person.person_id, kind))


_POST_FLAWS: Final = (
    "post_ends_before_it_starts",
    "post_of_unknown_unit",
    "post_of_unknown_person",
    "post_in_year_2201",
    "post_ends_in_the_future",
    "post_starts_on_import_day",
    "post_without_dates",
    "post_hidden",
    "post_in_closed_unit",
    "post_without_title",
)


def _soil_posts(dice: Dice, staff: Staff, each: int) -> None:
    order = list(range(len(staff.appointments)))
    dice.shuffle(order)
    for kind, index in zip(cycle(_POST_FLAWS), order[: each * len(_POST_FLAWS)], strict=False):
        post = staff.appointments[index]
        match kind:
            case "post_ends_before_it_starts":
                post.started, post.ended = "2019-09-01", "2018-03-31"
            case "post_of_unknown_unit":
                post.org_id = "U-9999"
            case "post_of_unknown_person":
                post.person_id = "P999999"
            case "post_in_year_2201":
                post.started = "2201-01-01"
            case "post_ends_in_the_future":
                post.ended = "2199-12-31"
            case "post_starts_on_import_day":
                post.started, post.ended = IMPORT_DAY, None
            case "post_without_dates":
                post.started = post.ended = None
            case "post_hidden":
                post.profile = "CONFIDENTIAL"
            case "post_in_closed_unit":
                post.org_id = "U-0190"
            case "post_without_title":
                post.job_title = None
        staff.dirt.append(SeededDirt("employments", post.appointment_id, kind))


def make_awards(
    dice: Dice, staff: Staff, today: date, changed_at: str
) -> tuple[list[Award], list[AwardHolder]]:
    """A grant for one person in four, some with a second holder."""
    awards, holders = [], []
    for index in range(0, len(staff.people), 4):
        number = index // 4 + 1
        department = staff.departments[staff.department_of[index]]
        funder, city, country, ror = dice.pick(words.FUNDERS)
        start = date(dice.between(today.year - 9, today.year - 1), dice.between(1, 12), 1)
        award = Award(
            award_id=f"A{number:05d}",
            kind=dice.pick(("grant", "grant", "grant", "contract", "award")),
            title=f"{dice.pick(words.ANGLES)} {dice.pick(department.topics)}",
            number=f"{funder[:3].upper()}-{start.year}-{number:04d}",
            doi=f"{check_digits.DOI_PREFIX}/grant.{number}" if dice.chance(0.2) else None,
            amount=dice.between(5, 900) * 1000,
            currency=dice.pick(("GBP", "EUR")),
            started=start.isoformat()[:7],
            ended=str(start.year + dice.between(1, 5)),
            funder=funder,
            funder_city=city,
            funder_country=country,
            funder_ror=check_digits.ror(ror),
            profile="FREE",
            workflow="validated",
            managing_org=None,
            changed_at=changed_at,
        )
        awards.append(award)
        holders.append(AwardHolder(award.award_id, staff.people[index].person_id, "principal investigator"))
        if dice.chance(0.4) and index + 1 < len(staff.people):
            holders.append(AwardHolder(award.award_id, staff.people[index + 1].person_id, "co-investigator"))
    return awards, holders


def make_reviews(dice: Dice, staff: Staff, today: date, changed_at: str) -> Iterator[Review]:
    """Some reviews for one person in five."""
    number = 0
    for person in staff.people[::5]:
        for _ in range(dice.between(1, 4)):
            number += 1
            journal = dice.below(len(words.JOURNAL_FIELDS))
            yield Review(
                review_id=f"R{number:06d}",
                person_id=person.person_id,
                issn=check_digits.issn(journal),
                journal=words.JOURNAL_STEMS[0].format(words.JOURNAL_FIELDS[journal]),
                completed=f"{dice.between(today.year - 5, today.year - 1)}-{dice.between(1, 12):02d}",
                publisher=dice.pick(words.PUBLISHERS),
                publisher_city="Larkfield",
                publisher_country="GB",
                profile="FREE",
                changed_at=changed_at,
            )


def make_degrees(dice: Dice, staff: Staff, today: date, changed_at: str) -> Iterator[Degree]:
    """A degree or two for half of the staff."""
    number = 0
    for person in staff.people[::2]:
        for _ in range(dice.between(1, 2)):
            number += 1
            name, city, country, ror_number = dice.pick(words.OTHER_UNIVERSITIES)
            ror = None if ror_number is None else check_digits.ror(ror_number)
            own = number % 3 == 0
            if own:
                name, city, country, ror = words.UNIVERSITY, words.CITY, words.COUNTRY, UNIVERSITY_ROR
            end = dice.between(1980, today.year - 2)
            yield Degree(
                degree_id=f"D{number:06d}",
                person_id=person.person_id,
                kind="qualification" if dice.chance(0.1) else "education",
                title=dice.pick(words.DEGREES),
                department=None,
                organisation=name,
                city=city,
                country=country,
                ror=ror,
                started=str(end - 3),
                ended=str(end),
                own=own,
                profile="FREE",
                changed_at=changed_at,
            )
