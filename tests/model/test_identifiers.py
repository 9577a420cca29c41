"""What is sent for an identifier, and what the registry would make of it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.model.identifiers import (
    IDENTIFIER_TYPES,
    canonical_type,
    clean,
    detect,
    is_preprint_identifier,
    link,
    match_key,
    normalize,
    relationship,
)

SICI = "10.1002/1097-4636(2000)53:1<1::AID-JBM1>3.0.CO;2-O"


@pytest.mark.parametrize(
    ("entered", "sent"),
    [
        ("10.1038/nature12373", "10.1038/nature12373"),
        ("10.1002/ADFM.202414046", "10.1002/ADFM.202414046"),
        ("https://doi.org/10.1038/nature12373", "10.1038/nature12373"),
        ("http://dx.doi.org/10.2147%2FCOPD.S57576", "10.2147/COPD.S57576"),
        ("doi:10.1038/nature12373", "10.1038/nature12373"),
        ("DOI 10.1109/ACCESS.2021.3096201", "10.1109/ACCESS.2021.3096201"),
        ("DOI:\u00a010.1002/ece3.1751", "10.1002/ece3.1751"),
        ("dx.doi.org/10.1186/1744-9081-10-44", "10.1186/1744-9081-10-44"),
        (" 10.1038/nature12373\n", "10.1038/nature12373"),
        ("10.1038/nature12373_x000D_\n", "10.1038/nature12373"),
        ("10.1186/1471\u2010244X\u201014\u201012", "10.1186/1471-244X-14-12"),
        ("10.1088/1748-\u00ad\u20109326/9/11/114024", "10.1088/1748-9326/9/11/114024"),
        ("10.1038/na\u00adture12373", "10.1038/nature12373"),
        ("10.1186/1471-2458-14-413.", "10.1186/1471-2458-14-413"),
        ("10.1515/ncrs-2015-0020,", "10.1515/ncrs-2015-0020"),
        ("(10.1038/nature12373)", "10.1038/nature12373"),
        ("10.1016/S2542-5196(19)30010-5", "10.1016/S2542-5196(19)30010-5"),
        ("10.1007/JHEP01(2016)119", "10.1007/JHEP01(2016)119"),
        (SICI, SICI),
        (f"https://doi.org/{SICI.replace('<', '%3C').replace('>', '%3E')}", SICI),
        (SICI.replace("<", "&lt;").replace(">", "&gt;"), SICI),
        (SICI.replace("<", "&amp;lt;").replace(">", "&amp;gt;"), SICI),
        ("10.3390/s19051182 (registering DOI)", "10.3390/s19051182"),
        ("10.1503/jpn.150159 (feil i doi)", "10.1503/jpn.150159"),
        ("10.1128/IAI.00705-16 PMCID: PMC5116730", "10.1128/IAI.00705-16"),
        ("10.1038/s41598-019-43026-8  Share this article", "10.1038/s41598-019-43026-8"),
        ("doi: 10.1016/j.jaccas.2021.04.018. eCollection 2021 Jun.", "10.1016/j.jaccas.2021.04.018"),
        ("10.4012/dmj.2017-116 / 10.4012/dmj.2017-213", "10.4012/dmj.2017-116"),
        ("10.1000/abc;10.1000/def", "10.1000/abc"),
        ("10.1000/abc, https://doi.org/10.1000/def", "10.1000/abc"),
        ("10.1136/ bmjgh-2018-001295", "10.1136/bmjgh-2018-001295"),
        ("https://onlinelibrary.wiley.com/doi/full/10.1002/adfm.202414046", "10.1002/adfm.202414046"),
        (
            "https://www.tandfonline.com/doi/10.1080/16549716.2017.1290340/abstract",
            "10.1080/16549716.2017.1290340",
        ),
        ("https://www.biorxiv.org/content/10.1101/2020.01.30.927871v2.full.pdf", "10.1101/2020.01.30.927871"),
        ("https://doi.org/10.1038/nature12373?utm_source=x#abstract", "10.1038/nature12373"),
        ("10.1000.10/abc", "10.1000.10/abc"),
        ("10.1063/10.0001234", "10.1063/10.0001234"),
        ("10.5281/zenodo.1\\_2", "10.5281/zenodo.1_2"),
        ("10.1162/", None),
        ("0.1016/j.tins.2013.08.001", None),
        ("http://dx.doi.o", None),
        ("keine DOI vergeben", None),
        ("hdl:2027.42/100", None),
        ("10.1371/journal. pgen.1009716", None),
        ("10.1371/journal.pone.00 99232", None),
        ("", None),
    ],
)
def test_a_doi_as_entered_becomes_the_doi_that_is_sent(entered: str, sent: str | None) -> None:
    assert clean("doi", entered) == sent


@pytest.mark.parametrize(
    ("id_type", "entered", "sent"),
    [
        ("pmid", "12345678", "12345678"),
        ("pmid", "PMID: 12345678", "12345678"),
        ("pmid", "pmid12345678", "12345678"),
        ("pmid", "https://pubmed.ncbi.nlm.nih.gov/12345678/", "12345678"),
        ("pmid", "http://www.ncbi.nlm.nih.gov/pubmed/12345678?dopt=Abstract", "12345678"),
        ("pmid", "https://europepmc.org/abstract/MED/12345678", "12345678"),
        ("pmid", "12345678.0", "12345678"),
        ("pmid", "0012345", "12345"),
        ("pmid", "12345678; 23456789", "12345678"),
        ("pmid", "12345678 (epub)", "12345678"),
        ("pmid", "12 345 678", None),
        ("pmid", "12,345,678", None),
        ("pmid", "PMC1234567", None),
        ("pmid", "0", None),
        ("pmid", "123456789", None),
        ("pmc", "PMC1234567", "PMC1234567"),
        ("pmc", "1234567", "PMC1234567"),
        ("pmc", "pmcid: PMC1234567", "PMC1234567"),
        ("pmc", "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC1234567/", "PMC1234567"),
        ("pmc", "https://pmc.ncbi.nlm.nih.gov/articles/PMC1234567/pdf/x.pdf", "PMC1234567"),
        ("pmc", "PMC1234567.1", "PMC1234567"),
        ("pmc", "NIHMS123456", None),
        ("arxiv", "2101.12345", "arXiv:2101.12345"),
        ("arxiv", "arXiv:2101.12345v2", "arXiv:2101.12345v2"),
        ("arxiv", "arXiv:2101.12345 [cs.LG]", "arXiv:2101.12345"),
        ("arxiv", "https://arxiv.org/abs/2101.12345", "arXiv:2101.12345"),
        ("arxiv", "http://arxiv.org/pdf/2101.12345v1.pdf", "arXiv:2101.12345v1"),
        ("arxiv", "https://doi.org/10.48550/arXiv.2101.12345", "arXiv:2101.12345"),
        ("arxiv", "hep-th/9901001", "arXiv:hep-th/9901001"),
        ("arxiv", "arXiv:math.GT/0309136v1", "arXiv:math.GT/0309136v1"),
        ("arxiv", "2199.12345", None),
        ("arxiv", "10.1234/5678.9012", None),
        ("isbn", "978-3-16-148410-0", "9783161484100"),
        ("isbn", "ISBN-13: 978-3-16-148410-0 (hbk)", "9783161484100"),
        ("isbn", "978\u20133\u201316\u2013148410\u20130", "9783161484100"),
        ("isbn", "urn:isbn:9783161484100", "9783161484100"),
        ("isbn", "0-306-40615-2", "0306406152"),
        ("isbn", "080442957x", "080442957X"),
        ("isbn", "978-3-16-148410-1 978-3-16-148410-0", "9783161484100"),
        ("isbn", "978-3-16-148410-1", None),
        ("isbn", "0000000000", None),
        ("isbn", "9.78316E+12", None),
        ("issn", "0028-0836", "0028-0836"),
        ("issn", "00280836", "0028-0836"),
        ("issn", "2434-561x", "2434-561X"),
        ("issn", "ISSN: 0028\u20130836 (print)", "0028-0836"),
        ("issn", "https://portal.issn.org/resource/ISSN/0028-0836", "0028-0836"),
        ("eissn", "0028-0836", "0028-0836"),
        ("issn", "0028-0837", None),
        ("issn", "0000-0000", None),
        ("handle", "2027.42/100", "2027.42/100"),
        ("handle", "hdl:2027.42/100", "2027.42/100"),
        ("handle", "https://hdl.handle.net/2027.42/100", "2027.42/100"),
        ("handle", "https://repository.example.edu/xmlui/handle/2027.42/100?show=full", "2027.42/100"),
        ("handle", "https://example.edu/page", None),
        ("handle", "n/a", None),
        ("eid", "2-s2.0-85012345678", "2-s2.0-85012345678"),
        ("eid", "SCOPUS_ID:85012345678", "2-s2.0-85012345678"),
        ("eid", "85012345678", "2-s2.0-85012345678"),
        ("eid", "https://www.scopus.com/inward/record.uri?eid=2-s2.0-85012345678&partnerID=40", "2-s2.0-85012345678"),
        ("eid", "2\u2011s2.0\u201185012345678", "2-s2.0-85012345678"),
        ("eid", "unknown", None),
        ("wosuid", "WOS:000123456700001", "WOS:000123456700001"),
        ("wosuid", "000123456700001", "WOS:000123456700001"),
        ("wosuid", "ISI:000123456700001", "WOS:000123456700001"),
        ("wosuid", "UT WOS:A1997WX12300012", "WOS:A1997WX12300012"),
        ("wosuid", "wos:a1997wx12300012", "WOS:A1997WX12300012"),
        ("wosuid", "https://www.webofscience.com/wos/woscc/full-record/WOS:000123456700001", "WOS:000123456700001"),
        ("wosuid", "MEDLINE:12345678", "MEDLINE:12345678"),
        ("wosuid", "12345", None),
        ("uri", " https://example.org/a ", "https://example.org/a"),
        ("uri", "www.example.org/a", "http://www.example.org/a"),
        ("uri", "https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("uri", "https://example.org/a).", "https://example.org/a"),
        ("uri", "https://example.org/a https://example.org/b", "https://example.org/a"),
        ("uri", "javascript:alert(1)", None),
        ("uri", "https://user:secret@example.org/", None),
        ("uri", "not a url", None),
        ("urn", "https://nbn-resolving.org/urn:nbn:de:101:1-201", "urn:nbn:de:101:1-201"),
        ("urn", "urn:nbn:de:101:1-201.", "urn:nbn:de:101:1-201"),
        ("ark", "https://n2t.net/ark:/12345/abc", "ark:/12345/abc"),
        ("hal", "https://hal.science/hal-01234567v2/document", "hal-01234567v2"),
        ("ssrn", "https://papers.ssrn.com/sol3/papers.cfm?abstract_id=1234567", "1234567"),
        ("bibcode", "https://ui.adsabs.harvard.edu/abs/2010A%26A...512A..12B/abstract", "2010A&A...512A..12B"),
        ("jstor", "http://www.jstor.org/stable/1234567", "1234567"),
        ("oclc", "(OCoLC)1234567", "(OCoLC)1234567"),
        ("mr", "MR1234567", "MR1234567"),
        ("rrid", "RRID:AB_123456", "RRID:AB_123456"),
        ("source-work-id", " local  17 ", "local 17"),
        ("source_work_id", "local-17", "local-17"),
        ("other-id", "n/a", None),
        ("other-id", "-", None),
        ("no-such-type", "1", None),
    ],
)  # fmt: skip
def test_identifiers_of_other_types_are_cleaned(id_type: str, entered: str, sent: str | None) -> None:
    assert clean(id_type, entered) == sent


@pytest.mark.parametrize(
    ("id_type", "value", "normalised"),
    [
        ("doi", "10.1038/Nature12373", "10.1038/nature12373"),
        ("doi", "https://doi.org/10.1038/Nature12373.", "10.1038/nature12373."),
        ("doi", "10.1002/1(2)3:1&amp;lt;1::AID&gt;3.0", "10.1002/1(2)3:1<1::aid>3.0"),
        ("doi", "see 10.1.2/a'b", "10.1.2/a"),
        ("doi", "10.1000/a&b", "10.1000/a"),
        ("doi", "no doi", None),
        ("doi", "", None),
        ("pmid", "PMID: 123", "123"),
        ("pmid", "  123 456", "123"),
        ("pmid", "https://pubmed.ncbi.nlm.nih.gov/123/", "123"),
        ("pmid", "x/med/123?y", "123"),
        ("pmid", "123-4", None),
        ("pmid", "123.", None),
        ("pmc", "PMC12345", "12345"),
        ("pmc", "12345", "12345"),
        ("pmc", "see pmc-/ 123456", "123456"),
        ("pmc", "PMC1234", None),
        ("pmc", "PMC1234567890", None),
        ("arxiv", "arXiv:2101.12345v2", "arXiv:2101.12345v2"),
        ("arxiv", "https://arxiv.org/abs/math.CA/0611800v2", "arXiv:math.ca/0611800v2"),
        ("arxiv", "nothing", None),
        ("isbn", "978-3-16-148410-0", "9783161484100"),
        ("isbn", "ISBN 080442957x", "080442957X"),
        ("isbn", "978-3-16-148410", None),
        ("isbn", "0306406152", "0306406152"),
        ("issn", "0028 0836", "0028-0836"),
        ("issn", "(2049\u2013363x)", "2049-363X"),
        ("issn", "0028-0836-1", None),
        ("bibcode", "2010ApJ...712...12B", "2010ApJ...712...12B"),
        ("bibcode", "2010A&A...512A..12B", None),
        ("rrid", "AB_123456", "RRID:AB_123456"),
        ("rrid", "RRID:CVCL_1A2B", "RRID:CVCL_1A2B"),
        ("uri", "https://Example.org/A/", "https://Example.org/A/"),
        ("uri", "Example.org/A", "http://Example.org/A"),
        ("handle", "http://HDL.handle.net/X/1", "http://hdl.handle.net/x/1"),
        ("wosuid", "WOS:000A", "wos:000a"),
        ("ark", "ark:/12345/ABC", "ark:/12345/ABC"),
        ("other-id", " X ", " x "),
        ("source_work_id", "X", "x"),
    ],
)
def test_normalisation_is_the_registrys_own(id_type: str, value: str, normalised: str | None) -> None:
    assert normalize(id_type, value) == normalised


@pytest.mark.parametrize(
    ("source_type", "name"),
    [
        ("doi", "doi"),
        ("DOI", "doi"),
        ("eissn", "issn"),
        ("E-ISSN", "issn"),
        ("PMID", "pmid"),
        ("PMCID", "pmc"),
        ("scopus", "eid"),
        ("isi", "wosuid"),
        ("WoS", "wosuid"),
        ("url", "uri"),
        ("arXiv", "arxiv"),
        ("source_work_id", "source-work-id"),
        ("other_id", "other-id"),
        ("grant_number", "grant_number"),
        ("grant-number", "grant_number"),
        ("dc.identifier.doi", "doi"),
        ("Proposal ID", "proposal-id"),
        ("shelfmark", None),
        ("", None),
        (None, None),
    ],
)
def test_a_sources_type_name_finds_the_registrys(source_type: str | None, name: str | None) -> None:
    assert canonical_type(source_type) == name


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("10.1038/nature12373", ("doi", "10.1038/nature12373")),
        ("doi:10.1038/nature12373", ("doi", "10.1038/nature12373")),
        ("https://doi.org/10.1038/nature12373", ("doi", "10.1038/nature12373")),
        ("PMID: 12345678", ("pmid", "12345678")),
        ("PMC1234567", ("pmc", "PMC1234567")),
        ("arXiv:2101.12345", ("arxiv", "arXiv:2101.12345")),
        ("https://hdl.handle.net/2027.42/100", ("handle", "2027.42/100")),
        ("2-s2.0-85012345678", ("eid", "2-s2.0-85012345678")),
        ("WOS:000123456700001", ("wosuid", "WOS:000123456700001")),
        ("978-3-16-148410-0", ("isbn", "9783161484100")),
        ("ISBN 0-306-40615-2", ("isbn", "0306406152")),
        ("0028-0836", ("issn", "0028-0836")),
        ("urn:nbn:de:101:1-201", ("urn", "urn:nbn:de:101:1-201")),
        ("https://example.org/x", ("uri", "https://example.org/x")),
        ("12345678", None),
        ("Report 17", None),
        ("", None),
    ],
)
def test_an_unlabelled_identifier_is_recognised_only_when_it_says_what_it_is(
    value: str, found: tuple[str, str] | None
) -> None:
    assert detect(value) == found


@pytest.mark.parametrize(
    ("id_type", "value", "url"),
    [
        ("doi", "10.1038/Nature12373", "https://doi.org/10.1038/nature12373"),
        ("doi", SICI, "https://doi.org/10.1002/1097-4636(2000)53:1%3C1::aid-jbm1%3E3.0.co;2-o"),
        ("pmid", "12345678", "https://pubmed.ncbi.nlm.nih.gov/12345678"),
        ("pmc", "PMC1234567", "https://europepmc.org/article/pmc/1234567"),
        ("arxiv", "arXiv:2101.12345", "https://arxiv.org/abs/2101.12345"),
        ("issn", "0028-0836", "https://portal.issn.org/resource/ISSN/0028-0836"),
        ("handle", "2027.42/100", "http://hdl.handle.net/2027.42/100"),
        ("uri", "https://example.org/x", "https://example.org/x"),
        ("eid", "2-s2.0-85012345678", None),
        ("no-such-type", "1", None),
    ],
)
def test_an_identifier_links_to_where_the_registry_would(id_type: str, value: str, url: str | None) -> None:
    assert link(id_type, value) == url


def test_the_match_key_treats_dashes_and_underscores_of_types_as_equal() -> None:
    assert match_key("source_work_id", "A1") == match_key("source-work-id", "a1") == "source-work-id:a1"
    assert match_key("grant-number", "A1") == match_key("grant_number", "A1")


def test_the_match_key_of_what_cannot_be_normalised_is_the_raw_value() -> None:
    assert match_key("doi", "Not A DOI") == "doi:Not A DOI"


@pytest.mark.parametrize(
    ("work_type", "id_type", "given", "value", "expected"),
    [
        ("journal-article", "doi", "self", "10.1038/nature12373", "self"),
        ("journal-article", "doi", None, "10.1038/nature12373", "self"),
        ("journal-article", "issn", "self", "0028-0836", "part-of"),
        ("journal-issue", "issn", None, "0028-0836", "part-of"),
        ("book", "issn", "self", "0028-0836", "part-of"),
        ("book", "isbn", "self", "9783161484100", "self"),
        ("edited-book", "isbn", None, "9783161484100", "self"),
        ("conference-proceedings", "isbn", "self", "9783161484100", "self"),
        ("dissertation-thesis", "isbn", "self", "9783161484100", "self"),
        ("book", "isbn", "part-of", "9783161484100", "part-of"),
        ("book-chapter", "isbn", "self", "9783161484100", "part-of"),
        ("conference-paper", "isbn", "self", "9783161484100", "part-of"),
        ("book-chapter", "doi", "part-of", "10.1007/978-3-16-148410-0", "part-of"),
        ("journal-article", "doi", "version_of", "10.1038/x", "version-of"),
        ("journal-article", "arxiv", "self", "arXiv:2101.12345", "version-of"),
        ("preprint", "arxiv", "self", "arXiv:2101.12345", "self"),
        ("working-paper", "ssrn", "self", "1234567", "self"),
        ("journal-article", "doi", "self", "10.48550/arXiv.2101.12345", "version-of"),
        ("journal-article", "doi", "self", "10.1101/2020.01.30.927871", "version-of"),
        ("journal-article", "doi", "self", "10.1101/gr.123456.111", "self"),
        ("journal-article", "doi", "self", "10.5194/tcd-9-5775-2015", "version-of"),
        ("journal-article", "doi", "self", "10.5194/gmd-7-2223-2014", "self"),
        ("journal-article", "doi", "self", "10.5194/essd-12-123-2020", "self"),
        ("data-set", "grant_number", "funded-by", "X1", "funded-by"),
    ],
)  # fmt: skip
def test_the_relationship_follows_from_the_work_type(
    work_type: str, id_type: str, given: str | None, value: str, expected: str
) -> None:
    assert relationship(work_type, id_type, given, value) == expected


@pytest.mark.parametrize(
    "doi",
    [
        "10.26434/chemrxiv-2023-abcde",
        "10.31234/osf.io/abcde",
        "10.31219/osf.io/abcde",
        "10.20944/preprints202001.0001.v1",
        "10.2139/ssrn.1234567",
        "10.21203/rs.3.rs-12345/v1",
        "10.36227/techrxiv.12345",
        "10.1101/123456",
        "10.5194/egusphere-2023-123",
    ],
)
def test_dois_of_preprint_servers_are_known(doi: str) -> None:
    assert is_preprint_identifier("doi", doi)


NOISE = st.sampled_from(
    [
        *(
            "https://doi.org/",
            "doi:",
            "DOI ",
            " ",
            "\u00a0",
            "\u00ad",
            "\u2011",
            "%2F",
            "%252F",
            "&lt;",
            "&amp;lt;",
        ),
        *(
            ".",
            ",",
            ")",
            "(",
            "]",
            "_x000D_",
            "\n",
            "10.1000/",
            "10.",
            "?",
            "#",
            "PMID:",
            "PMC",
            "arXiv:",
            "urn:",
        ),
        *(
            "978-3-16-148410-0",
            "0028-0836",
            "hdl:",
            "WOS:",
            "2-s2.0-",
            "\ufeff",
            "\uff0f",
            "\\",
            '"',
            "'",
            "<i>",
        ),
        *("v2", "/full", "https://", "www.", "a", "1"),
    ]
)
DIRTY = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.one_of(NOISE, st.text(string.ascii_letters + string.digits + "./-:", max_size=12)), max_size=8
    ).map("".join),
)
TYPES = st.sampled_from(sorted(IDENTIFIER_TYPES))


@given(TYPES, DIRTY)
def test_cleaning_is_idempotent_and_never_raises(id_type: str, value: str) -> None:
    cleaned = clean(id_type, value)
    assert cleaned is None or (cleaned and clean(id_type, cleaned) == cleaned)


@given(DIRTY)
def test_cleaning_a_doi_twice_and_normalising_gives_one_stable_form(value: str) -> None:
    cleaned = clean("doi", f"10.1234/{value}")
    if cleaned is not None:
        normalised = normalize("doi", cleaned)
        assert normalised is not None
        assert normalize("doi", normalised) == normalised


@given(TYPES, DIRTY)
def test_normalising_never_raises_and_links_are_ascii_urls(id_type: str, value: str) -> None:
    normalize(id_type, value)
    match_key(id_type, value)
    detect(value)
    cleaned = clean(id_type, value)
    url = link(id_type, cleaned) if cleaned and id_type != "uri" else None
    assert url is None or url.isascii()


@pytest.mark.parametrize("id_type", ["pmid", "pmc", "arxiv", "isbn", "issn", "rrid"])
def test_what_is_sent_can_be_normalised_by_the_registry(id_type: str) -> None:
    samples = {
        "pmid": "PMID 123",
        "pmc": "PMC12345",
        "arxiv": "2101.12345",
        "isbn": "978-3-16-148410-0",
        "issn": "0028-0836",
        "rrid": "AB_123456",
    }
    cleaned = clean(id_type, samples[id_type])
    assert cleaned is not None
    assert normalize(id_type, cleaned) is not None


@pytest.mark.parametrize("id_type", sorted(IDENTIFIER_TYPES))
def test_a_text_pasted_into_the_column_is_no_identifier(id_type: str) -> None:
    assert clean(id_type, "UT=10.1000/a " * 5000) is None


def test_the_table_of_types_has_the_registrys_52() -> None:
    assert len(IDENTIFIER_TYPES) == 52
    assert IDENTIFIER_TYPES["grant_number"].name == "grant_number"
    assert IDENTIFIER_TYPES["bibcode"].case_sensitive
    assert not IDENTIFIER_TYPES["doi"].case_sensitive
