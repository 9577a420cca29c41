"""What real databases hold besides clean rows: one function a class of flaw.

Each takes a clean publication and spoils it in place; some return further rows that belong to the flaw.
The classes follow what a million real identifiers and titles of open CRIS exports show.
"""

# Look-alike characters are among the flaws.

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Final

from orcid_sync.cris.demo import check_digits, words
from orcid_sync.cris.demo.dice import Dice
from orcid_sync.cris.demo.publications import PublicationMaker, credit, group, identify
from orcid_sync.cris.demo.rows import Output, Removed

Flaw = Callable[[Output, "Soiler"], "Sequence[Output | Removed]"]


class Soiler:
    """Spoils publications, one class of flaw after the other, so that even few flaws show every class."""

    def __init__(self, dice: Dice, maker: PublicationMaker) -> None:
        self.dice = dice
        self.maker = maker
        self._turn = 0

    def soil(self, output: Output) -> tuple[str, Sequence[Output | Removed]]:
        """Spoil the publication; the class of the flaw, and rows to add."""
        kind = tuple(FLAWS)[self._turn % len(FLAWS)]
        self._turn += 1
        return kind, FLAWS[kind](output, self)

    def new_doi(self, output: Output) -> str:
        """Another DOI for the publication, one that no other row has."""
        return self.maker.doi(500_000_000 + int(output.output_id[1:]), output.year or 2020, style=0)


def _set_doi(output: Output, change: Callable[[str], str]) -> None:
    """Change the publication's DOI; one is given to it first if it has none."""
    for identifier in output.identifiers:
        if identifier.scheme == "doi":
            identifier.value = change(identifier.value)
            return
    doi = f"{check_digits.DOI_PREFIX}/av.extra.{output.output_id[1:]}"
    identify(output, "doi", change(doi))


def _doi(change: Callable[[str], str]) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        _set_doi(output, change)
        return ()

    return flaw


def _title(change: Callable[[str], str]) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        output.headline = change(output.headline)
        return ()

    return flaw


def _with(**attributes: object) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        for name, value in attributes.items():
            setattr(output, name, value)
        return ()

    return flaw


def _in_press(*, with_doi: bool) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        output.stage = "in-press"
        if with_doi:
            _set_doi(output, str)
        else:
            _keep_identifiers(output, lambda scheme: scheme != "doi")
            if not output.identifiers:
                identify(output, "handle", f"20.500.99999/{int(output.output_id[1:])}")
        return ()

    return flaw


def _keep_identifiers(output: Output, keep: Callable[[str], bool]) -> None:
    output.identifiers[:] = [identifier for identifier in output.identifiers if keep(identifier.scheme)]
    for place, identifier in enumerate(output.identifiers, start=1):
        identifier.place = place


def _only(scheme: str, value: str, relation: str | None = None) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        output.identifiers.clear()
        if scheme:
            identify(output, scheme, value, relation)
        return ()

    return flaw


def _extra(scheme: str, value: str) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        _keep_identifiers(output, lambda present: present != scheme)
        identify(output, scheme, value)
        return ()

    return flaw


def _prefixed_pmid(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    _keep_identifiers(output, lambda scheme: scheme != "pmid")
    identify(output, "pmid", f"PMID: {check_digits.pmid(int(output.output_id[1:]))}")
    return ()


def _claim(**attributes: object) -> Flaw:
    """Change the link between the publication and its first member of staff."""

    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        author = next(author for author in output.authors if author.person_id)
        for name, value in attributes.items():
            setattr(author, name, value)
        return ()

    return flaw


def _sequence_hole(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    if len(output.authors) == 1:
        credit(output, group(words.GROUPS[0]))
    output.authors[-1].place += 1
    return ()


def _group_first(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    credit(output, group(soiler.dice.pick(words.GROUPS)))
    output.authors.insert(0, output.authors.pop())
    for place, author in enumerate(output.authors, start=1):
        author.place = place
    return ()


def _author_name(printed: str, surname: str) -> Flaw:
    def flaw(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
        author = group(printed)
        author.is_group, author.surname = False, surname
        credit(output, author)
        return ()

    return flaw


def _outsider_orcid(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    _author_name("Kettlewarden, B.", "Kettlewarden")(output, soiler)
    output.authors[-1].orcid = check_digits.spoil_check_digit(check_digits.orcid(6_000_001))
    return ()


def _one_orcid_twice(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    for printed in ("Ashgrove, C.", "Ashgrove, D."):
        _author_name(printed, "Ashgrove")(output, soiler)
        output.authors[-1].orcid = check_digits.orcid(6_000_002)
    return ()


def _author_and_editor(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    again = deepcopy(next(author for author in output.authors if author.person_id))
    again.role = "editor"
    credit(output, again)
    return ()


def _sibling(output: Output, suffix: str) -> Output:
    """A second record of the same publication, with an id of its own."""
    sibling = deepcopy(output)
    sibling.output_id = output.output_id + suffix
    for author in sibling.authors:
        author.output_id = sibling.output_id
    for identifier in sibling.identifiers:
        identifier.output_id = sibling.output_id
    return sibling


def _entered_twice(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    _set_doi(output, str)
    twin = _sibling(output, "D")
    _keep_identifiers(twin, lambda scheme: scheme == "doi")
    _set_doi(twin, lambda doi: f"https://doi.org/{doi.upper()}")
    twin.headline = twin.headline.rstrip(".") + "."
    return (twin,)


def _same_title_other_doi(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    _set_doi(output, str)
    edition = _sibling(output, "Y")
    _keep_identifiers(edition, lambda scheme: scheme == "doi")
    _set_doi(edition, lambda doi: soiler.new_doi(output))
    edition.year = (edition.year or 2020) - 1
    edition.month = edition.day = None
    return (edition,)


def _preprint_and_published(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    output.kind_scheme, output.kind = "dspace-dc-type", "Article"
    _set_doi(output, str)
    preprint = _sibling(output, "P")
    preprint.kind, preprint.container, preprint.pages = "Preprint", None, None
    preprint.identifiers.clear()
    identify(preprint, "arxiv", check_digits.arxiv(int(output.output_id[1:]), output.year or 2020, 1))
    # Curators often keep the preprint's number on the published record.
    identify(output, "arxiv", preprint.identifiers[0].value, "version-of")
    return (preprint,)


def _merged(output: Output, soiler: Soiler) -> Sequence[Output | Removed]:
    return (Removed("publications", output.output_id + "M", "merged", output.output_id, output.changed_at),)


FLAWS: Final[dict[str, Flaw]] = {
    "doi_upper_case": _doi(str.upper),
    "doi_https_url": _doi(lambda doi: f"https://doi.org/{doi}"),
    "doi_dx_url": _doi(lambda doi: f"http://dx.doi.org/{doi}"),
    "doi_prefixed": _doi(lambda doi: f"DOI: {doi}"),
    "doi_bare_host": _doi(lambda doi: f"doi.org/{doi}"),
    "doi_edge_blank": _doi(lambda doi: f" {doi}\u00a0"),
    "doi_trailing_stop": _doi(lambda doi: f"{doi}."),
    "doi_trailing_comma": _doi(lambda doi: f"{doi},"),
    "doi_percent_encoded": _doi(lambda doi: doi.replace("/", "%2F", 1)),
    "doi_lost_leading_one": _doi(lambda doi: doi[1:]),
    "doi_odd_hyphens": _doi(lambda doi: f"{doi[:9]}\u00ad{doi[9:]}".replace("-", "\u2011")),
    "doi_spreadsheet_escape": _doi(lambda doi: f"{doi}_x000D_\n"),
    "doi_two_in_one": _doi(lambda doi: f"{doi} {check_digits.DOI_PREFIX}/av.other"),
    "doi_with_words": _doi(lambda doi: f"{doi} (registering DOI)"),
    "doi_truncated": _doi(lambda doi: f"{check_digits.DOI_PREFIX}/"),
    "doi_is_handle": _doi(lambda doi: "https://hdl.handle.net/20.500.99999/77"),
    "doi_is_text": _doi(lambda doi: "n/a"),
    "doi_inner_blank": _doi(lambda doi: f"{doi[:8]} {doi[8:]}"),
    "doi_unbalanced_bracket": _doi(lambda doi: f"{doi})"),
    "title_html": _title(lambda title: f"{title} of <i>Avena sativa</i> and CO<sub>2</sub>"),
    "title_jats": _title(lambda title: f"<italic>In situ</italic> {title} <sc>iii</sc>"),
    "title_double_escaped": _title(lambda title: f"{title} &amp;lt;scp&amp;gt;DNA&amp;lt;/scp&amp;gt; &amp;amp; more"),
    "title_escaped": _title(lambda title: f"&lt;i&gt;{title}&lt;/i&gt;"),
    "title_entities": _title(lambda title: f"{title} &ndash; caf&eacute; &#x2265; 5&nbsp;km"),
    "title_mathml": _title(
        lambda title: f"{title} at <mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>"
    ),
    "title_tex_math": _title(
        lambda title: f"{title} with <inline-formula><tex-math>$\\alpha_{{1}}$</tex-math></inline-formula>"
    ),
    "title_latex": _title(lambda title: f"{{\\'E}}tude: {title} in $\\alpha$-{{Fe}} \\& {{\\\"o}}ther alloys"),
    "title_less_than": _title(lambda title: f"Particles <300 μm: {title}"),
    "title_arrow": _title(lambda title: f"{title} where P^2<-z and a < b > c"),
    "title_line_breaks": _title(lambda title: title.replace(" ", "\n   ", 1).replace(" of ", " \t of ")),
    "title_zero_width": _title(lambda title: title.replace(" ", " \u200b", 1) + "\ufeff"),
    "title_decomposed": _title(lambda title: f"Cafe\u0301 culture: {title}"),
    "title_upper_case": _title(str.upper),
    "title_very_long": _title(lambda title: " ".join([title] * 20)),
    "title_only_markup": _title(lambda title: "<i> </i><sub></sub>"),
    "title_empty": _title(lambda title: ""),
    "title_placeholder": _title(lambda title: "[no title]"),
    "abstract_jats": _with(
        abstract="<jats:p>Background: <jats:italic>p</jats:italic> &lt; 0.05 &amp; rising.</jats:p>"
    ),
    "date_missing": _with(year=None, month=None, day=None),
    "date_year_2201": _with(year=2201, month=None, day=None),
    "date_year_0": _with(year=0, month=None, day=None),
    "date_day_impossible": _with(month=2, day=31),
    "date_month_impossible": _with(month=13, day=None),
    "date_day_without_month": _with(month=None, day=12),
    "date_padded": _with(month=1, day=1),
    "type_unmapped": _with(kind_scheme="dspace-dc-type", kind="Kongressbeitrag"),
    "type_unknown_scheme": _with(kind_scheme="local", kind="ART-1"),
    "type_component": _with(kind_scheme="crossref", kind="component"),
    "type_erratum": _with(kind_scheme="pure", kind="contributiontojournal/erratum"),
    "type_lower_case": _with(kind_scheme="dspace-dc-type", kind="article"),
    "stage_in_press_with_doi": _in_press(with_doi=True),
    "stage_in_press_without_doi": _in_press(with_doi=False),
    "stage_submitted": _with(stage="submitted"),
    "stage_unpublished": _with(stage="unpublished"),
    "stage_retracted": _with(stage="retracted"),
    "stage_missing": _with(stage=None),
    "hidden": _with(profile="CONFIDENTIAL"),
    "internal": _with(profile="CAMPUS"),
    "confidential": _with(confidential=True),
    "embargoed": _with(embargo_until="2099-12-31"),
    "embargo_past": _with(embargo_until="2019-12-31"),
    "workflow_pending": _with(workflow="forApproval"),
    "workflow_rejected": _with(workflow="rejected"),
    "workflow_withdrawn": _with(workflow="withdrawn"),
    "claim_pending": _claim(claim="pending"),
    "claim_rejected": _claim(claim="rejected"),
    "claim_unlisted": _claim(listed=False),
    "claim_of_unknown_person": _claim(person_id="P999999"),
    "contributor_hole": _sequence_hole,
    "contributor_group_first": _group_first,
    "contributor_single_name": _author_name("Suhartowan", "Suhartowan"),
    "contributor_byte_order_mark": _author_name("\ufeffMoorhaven, J.", "\ufeffMoorhaven"),
    "contributor_orcid_check_digit": _outsider_orcid,
    "contributor_orcid_twice": _one_orcid_twice,
    "contributor_in_two_roles": _author_and_editor,
    "identifier_none": _only("", ""),
    "identifier_only_container": _only("issn", check_digits.issn(5), "part-of"),
    "identifier_isbn_check_digit": _extra("isbn", check_digits.spoil_check_digit(check_digits.isbn13(99))),
    "identifier_issn_check_digit": _extra("issn", check_digits.spoil_check_digit(check_digits.issn(99))),
    "identifier_pmid_prefixed": _prefixed_pmid,
    "identifier_unknown_scheme": _extra("shelfmark", "AV 12/7"),
    "language_spelled_out": _with(language="English"),
    "language_three_letters": _with(language="ger"),
    "country_spelled_out": _with(country="United Kingdom"),
    "link_without_scheme": _with(link="www.averholt.example/paper"),
    "publication_entered_twice": _entered_twice,
    "publication_yearly_edition": _same_title_other_doi,
    "publication_preprint_and_published": _preprint_and_published,
    "publication_merged": _merged,
}  # fmt: skip
