"""Does the CRIS want it? The push rule, as SQL over the staging tables: one declaration a section.

`yes`: it may go out. `no`: whoever may say so has said that it must not stand on a record. `cant_say`: nobody has;
what stands, stays. Reasons of `cant_say` are those of the closed list that pages know; reasons of `no` are for the log.
The person's own wishes (visibility, opt-out), the researcher's permission and the units' policies are asked later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.model.sections import SECTIONS, sections_of


@dataclass(frozen=True)
class Rule:
    """A condition over the row `t` of a staging table, and the answer where it is the first that holds."""

    when: str
    answer: str
    reason: str | None = None


@dataclass(frozen=True)
class SectionRules:
    """How the rows of one section become `cris_row` and `cris_claim`.

    `claim_rules` speak of one person's share (the row `c` of the contributors or holders; none: every share is a yes).
    `after_leaving`: which rows go out although their person isn't here any more. `secondary`: which a unit that adds
    main posts alone passes over.
    """

    section: str
    rules: tuple[Rule, ...]
    claim_rules: tuple[Rule, ...] = ()
    not_before: str = "NULL::date"
    owning_unit: str = "t.owning_unit_id"
    unit: str = "NULL::text"
    after_leaving: str = "false"
    secondary: str = "false"

    @property
    def relation(self) -> str:
        """The contract relation that the rows come from."""
        return SECTIONS[self.section].relation

    @property
    def key(self) -> str:
        """The key that the section's items are known by."""
        return SECTIONS[self.section].key

    @property
    def belongs(self) -> str:
        """Which rows of the relation are of this section; one that was and is not any more gets the answer no."""
        kind = SECTIONS[self.section].kind
        return "true" if kind is None else f"t.affiliation_type = '{kind}'"


_HAS_DOI: Final = (
    "EXISTS (SELECT FROM staging.publication_identifiers i WHERE i.publication_id = t.publication_id "
    "AND lower(btrim(i.external_id_type)) = 'doi' AND i.external_id_relationship = 'self' "
    "AND staging.holds_doi(i.external_id_value))"
)


def _of_another_section(section: str) -> Rule:
    return Rule(f"t.affiliation_type <> '{SECTIONS[section].kind}'", "no", "other_section")


_HIDDEN: Final = Rule("t.visibility <> 'public'", "no", "hidden")
_CURATED: Final = (
    Rule("t.curation_status = 'withdrawn'", "no", "withdrawn"),
    Rule("t.curation_status = 'rejected'", "no", "rejected"),
)
_PENDING: Final = Rule("t.curation_status <> 'approved'", "cant_say", "pending_in_cris")


def _post(section: str) -> SectionRules:
    rules = (_of_another_section(section), _HIDDEN, Rule("true", "yes"))
    # What isn't said to be a side post counts as the main one. Services and memberships are beside every post.
    secondary = "t.is_primary IS FALSE" if section == "employment" else "false"
    return SectionRules(section, rules, unit="t.unit_id", secondary=secondary)


def _qualification(section: str) -> SectionRules:
    rules = (_of_another_section(section), _HIDDEN, Rule("true", "yes"))
    return SectionRules(section, rules, after_leaving="t.given_here")


SECTION_RULES: Final[tuple[SectionRules, ...]] = (
    SectionRules(
        section="work",
        rules=(
            *_CURATED,
            Rule("t.is_confidential", "no", "confidential"),
            _HIDDEN,
            _PENDING,
            Rule("t.publication_status = 'retracted'", "cant_say", "retracted"),
            Rule("t.publication_status IN ('published', 'epub')", "yes"),
            Rule(f"t.publication_status = 'in-press' AND {_HAS_DOI}", "yes"),
            Rule("true", "cant_say", "not_published"),
        ),
        claim_rules=(
            Rule("c.claim_status = 'rejected'", "no", "claim_rejected"),
            Rule("c.visibility <> 'public'", "no", "claim_hidden"),
            Rule("c.claim_status = 'approved' AND c.visibility = 'public'", "yes"),
            Rule("true", "cant_say", "pending_in_cris"),
        ),
        not_before="t.embargo_until",
    ),
    *(_post(section.name) for section in sections_of("employments")),
    *(_qualification(section.name) for section in sections_of("qualifications")),
    SectionRules(
        section="funding",
        rules=(*_CURATED, _PENDING, Rule("true", "yes")),
        # Each holder has a row, and hides the grant for himself alone.
        claim_rules=(Rule("c.visibility <> 'public'", "no", "claim_hidden"), Rule("true", "yes")),
    ),
    *(
        SectionRules(section=section, rules=(_HIDDEN, Rule("true", "yes")))
        for section in ("peer-review", "research-resource", "researcher-url", "external-identifier")
    ),
)


def answer_sql(rules: tuple[Rule, ...]) -> str:
    """The answer of the first rule that holds."""
    return _case(rules, lambda rule: rule.answer)


def reason_sql(rules: tuple[Rule, ...]) -> str:
    """The reason of the first rule that holds; NULL where it has none."""
    return _case(rules, lambda rule: rule.reason)


def _case(rules: tuple[Rule, ...], pick: object) -> str:
    assert callable(pick)
    arms = []
    for rule in rules:
        picked = pick(rule)
        arms.append(f"WHEN {rule.when} THEN {'NULL' if picked is None else repr(picked)}")
    return f"(CASE {' '.join(arms)} END)::text"
