"""Clean publications of every common type, as the CRIS would hold them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from orcid_sync.cris.demo import check_digits, words
from orcid_sync.cris.demo.dice import Dice, Weighted
from orcid_sync.cris.demo.people import HOSPITAL_ID, Staff
from orcid_sync.cris.demo.rows import Author, Identifier, Output

YEARS: Final = 10
EXTERNAL_PEOPLE: Final = 4000
LARGE_PAPER_AUTHORS: Final = 400
LARGE_PAPER_NUMBER: Final = 50
"""Which publication, counted from one, has several hundred authors."""


@dataclass(frozen=True)
class _Kind:
    """A type as the source writes it, and the family of fields that comes with it."""

    scheme: str
    type: str
    family: str


_KINDS: Final = Weighted(
    [
        (46.0, _Kind("dspace-dc-type", "Article", "journal")),
        (8.0, _Kind("dspace-dc-type", "Book chapter", "chapter")),
        (3.0, _Kind("dspace-dc-type", "Book", "book")),
        (2.0, _Kind("dspace-dc-type", "Thesis", "thesis")),
        (2.0, _Kind("dspace-dc-type", "Technical Report", "report")),
        (2.0, _Kind("dspace-dc-type", "Working Paper", "report")),
        (3.0, _Kind("dspace-dc-type", "Preprint", "preprint")),
        (3.0, _Kind("dspace-dc-type", "Dataset", "data")),
        (1.5, _Kind("dspace-dc-type", "Software", "software")),
        (1.5, _Kind("dspace-dc-type", "Presentation", "event")),
        (0.5, _Kind("dspace-dc-type", "Learning Object", "event")),
        (0.4, _Kind("dspace-dc-type", "Image", "media")),
        (0.4, _Kind("dspace-dc-type", "Video", "media")),
        (0.2, _Kind("dspace-dc-type", "Musical Score", "media")),
        (0.8, _Kind("dspace-dc-type", "Other", "event")),
        (6.0, _Kind("crossref", "journal-article", "journal")),
        (6.0, _Kind("crossref", "proceedings-article", "conference")),
        (1.5, _Kind("crossref", "book-chapter", "chapter")),
        (0.6, _Kind("crossref", "posted-content", "preprint")),
        (0.6, _Kind("crossref", "edited-book", "edited-book")),
        (0.6, _Kind("crossref", "monograph", "book")),
        (0.3, _Kind("crossref", "dissertation", "thesis")),
        (0.3, _Kind("crossref", "report", "report")),
        (0.4, _Kind("crossref", "reference-entry", "chapter")),
        (4.0, _Kind("pure", "contributiontojournal/article", "journal")),
        (0.8, _Kind("pure", "contributiontojournal/systematicreview", "journal")),
        (0.5, _Kind("pure", "contributiontojournal/letter", "journal")),
        (3.0, _Kind("pure", "contributiontobookanthology/conference", "conference")),
        (0.8, _Kind("pure", "contributiontoconference/poster", "event")),
        (0.8, _Kind("pure", "contributiontoconference/abstract", "event")),
        (0.4, _Kind("pure", "bookanthology/anthology", "edited-book")),
        (0.3, _Kind("pure", "workingpaper/preprint", "preprint")),
        (0.2, _Kind("pure", "patent/patent", "patent")),
        (0.2, _Kind("pure", "nontextual/performance", "media")),
        (0.2, _Kind("pure", "nontextual/software", "software")),
    ]
)

_CONTAINED: Final = frozenset({"journal", "chapter", "conference"})
_LANGUAGES: Final = ("en", "en", "en", "en", "en", "en", "en", "en", None, "de", "fr", "es")
_DOI_STYLES: Final = (
    "{prefix}/jar.{year}.{number:06d}",
    "{prefix}/s41{journal:03d}-{yy:03d}-{number:06d}-{check}",
    "{prefix}/S0140-{journal:04d}({yy:02d}){number:06d}-{check}",
    "{prefix}/{journal:04d}-4636({year}){check}:{number}<1::AID-AV1>3.0.CO;2-O",
    "{prefix}/av.{number:06d}",
)
_DOI_SHARE: Final = {
    "journal": 0.95, "chapter": 0.6, "book": 0.35, "edited-book": 0.35, "conference": 0.85, "thesis": 0.1,
    "report": 0.3, "preprint": 0.6, "data": 0.95, "software": 0.6, "event": 0.25, "media": 0.1, "patent": 0.0,
}  # fmt: skip


class PublicationMaker:
    """Makes publication after publication; the same dice and staff give the same ones."""

    def __init__(
        self,
        dice: Dice,
        staff: Staff,
        today: date,
        moments: list[str],
        *,
        pairs_per_publication: float,
        contributors_per_publication: float,
    ) -> None:
        self._dice = dice
        self._staff = staff
        self._today = today
        self._moments = moments
        self._pairs = pairs_per_publication
        self._externals_mean = max(0.0, contributors_per_publication - pairs_per_publication)
        self._journals = [
            (stem.format(name), check_digits.issn(place * 100 + number))
            for place, stem in enumerate(words.JOURNAL_STEMS)
            for number, name in enumerate(words.JOURNAL_FIELDS)
        ]
        self._externals = [self._external() for _ in range(EXTERNAL_PEOPLE)]

    def make(self, number: int) -> Output:
        """The number-th publication, numbers from one."""
        dice = self._dice
        kind = _KINDS.pick(dice)
        lead = int(len(self._staff.people) * dice.random() ** 1.6)
        department = self._staff.departments[self._staff.department_of[lead]]
        topic = dice.pick(department.topics)
        year, month, day = self._issued()
        output = Output(
            output_id=f"W{number:08d}",
            headline=f"{dice.pick(words.ANGLES)} {topic} {dice.pick(words.SETTINGS)}",
            subtitle=None,
            translated_headline=None,
            translated_language=None,
            kind=kind.type,
            subkind=None,
            kind_scheme=kind.scheme,
            container=None,
            volume=None,
            number=None,
            pages=None,
            publisher=None,
            year=year,
            month=month,
            day=day,
            stage="epub" if kind.family == "journal" and dice.chance(0.04) else "published",
            language=dice.pick(_LANGUAGES),
            country=None,
            abstract=None,
            link=None,
            profile="FREE",
            workflow="validated" if dice.chance(0.7) else "approved",
            embargo_until=None,
            confidential=False,
            managing_org=department.org_id if dice.chance(0.5) else None,
            changed_at=dice.pick(self._moments),
        )
        if department.org_id == "U-0801":
            output.managing_org = HOSPITAL_ID
        self._title(output, topic)
        if dice.chance(0.3):
            output.abstract = (
                f"We study {topic} {dice.pick(words.SETTINGS)}. The work reports {dice.pick(words.METHODS)}; "
                f"findings on {dice.pick(department.topics)} are compared and limits are discussed."
            )
        journal = self._container(output, kind.family)
        self._identify(output, kind.family, number, journal)
        self._authorship(output, kind.family, lead, large=number == LARGE_PAPER_NUMBER)
        return output

    def doi(self, number: int, year: int, style: int | None = None) -> str:
        """A DOI nobody else has; `number` must be unique."""
        form = self._dice.pick(_DOI_STYLES) if style is None else _DOI_STYLES[style]
        return form.format(
            prefix=check_digits.DOI_PREFIX, number=number, year=year, yy=year % 100, journal=number % 160,
            check=number % 10,
        )  # fmt: skip

    def _issued(self) -> tuple[int, int | None, int | None]:
        issued = self._today - timedelta(days=self._dice.below(365 * YEARS))
        precision = self._dice.random()
        if precision < 0.6:
            return issued.year, issued.month, issued.day
        if precision < 0.85:
            return issued.year, issued.month, None
        return issued.year, None, None

    def _title(self, output: Output, topic: str) -> None:
        dice = self._dice
        variant = dice.random()
        if variant < 0.4:
            output.headline += f": {dice.pick(words.METHODS)}"
        elif variant < 0.55:
            output.subtitle = dice.pick(words.METHODS).capitalize()
        elif variant < 0.6:
            language, form, translation = dice.pick(words.FOREIGN_TITLES)
            output.headline, output.language = form.format(topic), language
            output.translated_headline, output.translated_language = translation.format(topic), "en"

    def _container(self, output: Output, family: str) -> int:
        """Fill in journal, book or publisher; the journal's place in the list."""
        dice = self._dice
        journal = dice.below(len(self._journals))
        if family == "journal":
            output.container = self._journals[journal][0]
            output.volume, output.number = str(dice.between(1, 60)), str(dice.between(1, 12))
        elif family == "conference":
            output.container = f"{dice.pick(words.CONFERENCES)} {output.year}"
        elif family == "chapter":
            output.container = f"Handbook of {dice.pick(words.JOURNAL_FIELDS)}"
        if family in _CONTAINED:
            first = dice.between(1, 900)
            output.pages = f"{first}-{first + dice.between(3, 30)}" if dice.chance(0.85) else f"e{first:05d}"
        else:
            output.publisher = dice.pick(words.PUBLISHERS)
            output.country = dice.pick(("GB", "DE", "FR", None))
        return journal

    def _identify(self, output: Output, family: str, number: int, journal: int) -> None:
        dice = self._dice
        year = output.year or self._today.year
        if dice.chance(_DOI_SHARE[family]):
            identify(output, "doi", self.doi(number, year))
        if family == "journal":
            if dice.chance(0.4):
                identify(output, "pmid", check_digits.pmid(number))
                if dice.chance(0.35):
                    identify(output, "pmc", check_digits.pmc(number))
            if dice.chance(0.2):
                identify(output, "wosuid", f"WOS:{990_000_000_000_000 + number:015d}")
            if dice.chance(0.25):
                identify(output, "eid", f"2-s2.0-99{number:09d}")
            if dice.chance(0.6):
                identify(output, "issn", self._journals[journal][1], "part-of")
        elif family in {"chapter", "conference"}:
            if dice.chance(0.7):
                # Like real systems, most give the book's ISBN without saying that it is the container's.
                identify(output, "isbn", check_digits.isbn13(number), dice.pick((None, None, "part-of")))
        elif family in {"book", "edited-book"}:
            identify(output, "isbn", check_digits.isbn13(number))
        elif family == "preprint":
            if not output.identifiers or dice.chance(0.4):
                identify(output, "arxiv", check_digits.arxiv(number, year, output.month or 1))
        elif family in {"event", "media", "software"} and dice.chance(0.5):
            identify(output, "uri", f"https://research.{words.DOMAIN}/item/{number}")
        if not any(identifier.scheme not in {"issn", "isbn"} for identifier in output.identifiers):
            identify(output, "handle", f"20.500.99999/{number}")

    def _authorship(self, output: Output, family: str, lead: int, *, large: bool) -> None:
        dice = self._dice
        people = self._coauthors(lead, dice.around(1, self._pairs))
        externals = LARGE_PAPER_AUTHORS if large else dice.around(0, self._externals_mean)
        cast: list[int | None] = [*people, *([None] * externals)]
        dice.shuffle(cast)
        role = "editor" if family == "edited-book" else "author"
        for index in cast:
            credit(output, self._staff_author(index, role) if index is not None else self._outsider(role))
        output.authors[0].corresponding = True
        if family == "thesis":
            # A thesis has one author; the others are there as supervisors.
            for author in output.authors[1:]:
                author.role = "supervisor"
        elif not large and externals and dice.chance(0.01):
            credit(output, group(dice.pick(words.GROUPS)))

    def _coauthors(self, lead: int, wanted: int) -> list[int]:
        """The lead and colleagues, mostly of the same department; fewer than wanted in a small university."""
        chosen = [lead]
        colleagues = self._staff.departments[self._staff.department_of[lead]].members
        everybody = len(self._staff.people)
        for _ in range(3 * (wanted - 1)):
            if len(chosen) >= wanted:
                break
            near = self._dice.chance(0.7)
            candidate = self._dice.pick(colleagues) if near else self._dice.below(everybody)
            if candidate not in chosen:
                chosen.append(candidate)
        return chosen

    def _staff_author(self, index: int, role: str) -> Author:
        dice = self._dice
        person = self._staff.people[index]
        department = self._staff.departments[self._staff.department_of[index]]
        forenames = person.forenames
        style = dice.below(3)
        if forenames is None:
            printed = person.surname
        elif style == 0:
            printed = f"{person.surname}, {forenames}"
        elif style == 1:
            printed = f"{forenames} {person.surname}"
        else:
            printed = f"{person.surname} {forenames[0]}."
        return Author(
            "", 0, role, person.person_id, False, printed, person.surname, forenames, None, None, None,
            department.name, department.org_id, "approved", True, "",
        )  # fmt: skip

    def _external(self) -> tuple[str, str, str, str | None, str]:
        """Printed name, surname, initial, iD, affiliation of somebody elsewhere."""
        dice = self._dice
        surname, forename = dice.pick(words.SURNAMES), dice.pick(words.FORENAMES)
        printed = f"{surname}, {forename}" if dice.chance(0.5) else f"{surname} {forename[0]}."
        orcid = check_digits.orcid(5_000_000 + dice.below(1_000_000)) if dice.chance(0.2) else None
        return printed, surname, f"{forename[0]}.", orcid, dice.pick(words.OTHER_UNIVERSITIES)[0]

    def _outsider(self, role: str) -> Author:
        printed, surname, initial, orcid, affiliation = self._dice.pick(self._externals)
        return Author(
            "", 0, role, None, False, printed, surname, initial, orcid, None, None, affiliation, None,
            "approved", True, "",
        )  # fmt: skip


def identify(output: Output, scheme: str, value: str, relation: str | None = None) -> None:
    """Give the output one more identifier."""
    place = len(output.identifiers) + 1
    output.identifiers.append(
        Identifier(output.output_id, place, scheme, value, None, relation, output.changed_at)
    )


def credit(output: Output, author: Author) -> None:
    """Put the author last in the output's order."""
    author.output_id, author.place, author.changed_at = (
        output.output_id, len(output.authors) + 1, output.changed_at,
    )  # fmt: skip
    output.authors.append(author)


def group(name: str) -> Author:
    """A group that signs as an author."""
    return Author(
        "", 0, "author", None, True, name, None, None, None, None, None, None, None, "approved", True, ""
    )
