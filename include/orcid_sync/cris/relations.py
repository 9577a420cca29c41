"""The contract's views, column by column: those that every CRIS has to offer."""

from __future__ import annotations

from typing import Final

from orcid_sync.cris.shapes import (
    OWNING_UNIT,
    UPDATED,
    VISIBILITY,
    Relation,
    optional,
    partial_date,
    required,
)

STAFF: Final = Relation(
    "staff",
    (
        required("person_id", "Key of the person; not the ORCID iD"),
        required("family_names", "Family names"),
        optional("given_names", "Given names"),
        optional("credit_name", "Name as the person publishes"),
        optional("other_names", "Further names and spellings", "text[]", "'{}'"),
        optional("orcid", "ORCID iD as the CRIS knows it, any spelling: a hint, never written to"),
        optional("orcid_assurance", "authenticated | self-asserted | matched"),
        optional("email", "Address for invitations; never sent to ORCID"),
        required("is_current", "Whether the person works here now", "boolean"),
        VISIBILITY,
        optional("orcid_sync_opt_out", "The person wants nothing sent", "boolean", "false"),
        UPDATED,
    ),
    key=("person_id",),
)

UNITS: Final = Relation(
    "units",
    (
        required("unit_id", "Key of the unit"),
        optional("parent_unit_id", "Unit above; NULL for the university itself"),
        required("name", "Name"),
        optional("name_language", "Language of the name"),
        optional("acronym", "Acronym"),
        optional("unit_type", "university, faculty, department, ...: the source's own term"),
        optional("city", "City"),
        optional("region", "Region"),
        optional("country", "ISO 3166-1 alpha-2"),
        optional("ror_id", "ROR id, as URL or bare"),
        optional("disambiguated_organization_identifier", "Identifier of the organisation elsewhere"),
        optional("disambiguation_source", "ROR | GRID | RINGGOLD | FUNDREF | LEI"),
        optional("is_internal", "Part of the university", "boolean", "true"),
        optional("start_year", "First year of the unit", "smallint"),
        optional("end_year", "Last year of the unit", "smallint"),
        UPDATED,
    ),
    key=("unit_id",),
)

EMPLOYMENTS: Final = Relation(
    "employments",
    (
        required("employment_id", "Key of the employment"),
        required("person_id", "Staff member"),
        required("unit_id", "Unit of the post"),
        optional(
            "affiliation_type",
            "employment | invited-position | service | membership | distinction",
            default="'employment'",
        ),
        optional("role_title", "Title of the post"),
        optional("department_name", "Text to show instead of the unit's name"),
        *partial_date("start", "Start"),
        *partial_date("end", "End, all NULL = ongoing"),
        optional("is_primary", "The person's main post", "boolean"),
        optional("fte", "Full-time equivalent", "numeric"),
        VISIBILITY,
        optional("url", "Page of the post"),
        OWNING_UNIT,
        UPDATED,
    ),
    key=("employment_id",),
)

PUBLICATIONS: Final = Relation(
    "publications",
    (
        required("publication_id", "Key of the publication"),
        required("title", "Title, may hold markup"),
        optional("subtitle", "Subtitle"),
        optional("translated_title", "Title in another language"),
        optional("translated_title_language", "Language of the translated title"),
        required("source_type", "Type, the source's own term"),
        optional("source_subtype", "Subtype, the source's own term"),
        required(
            "source_type_scheme",
            "Scheme of the type: dspace-dc-type, coar, pure, elements, eprints, crossref, csl, bibtex",
        ),
        optional("work_type", "ORCID work type that overrides the mapping"),
        optional("journal_title", "Journal or book that contains the publication"),
        optional("volume", "Volume"),
        optional("issue", "Issue"),
        optional("start_page", "First page"),
        optional("end_page", "Last page"),
        optional("publisher", "Publisher"),
        *partial_date("publication", "Publication date"),
        optional("publication_status", "published | epub | in-press | submitted | unpublished | retracted"),
        optional("language_code", "Language of the publication"),
        optional("country", "ISO 3166-1 alpha-2"),
        optional("short_description", "Abstract"),
        optional("url", "Page of the publication"),
        optional("citation_type", "bibtex, ris, formatted-apa, ..."),
        optional("citation_value", "Citation"),
        VISIBILITY,
        required("curation_status", "approved | pending | rejected | withdrawn"),
        optional("embargo_until", "Not to be shown before this day", "date"),
        optional("is_confidential", "Never to be shown", "boolean", "false"),
        OWNING_UNIT,
        UPDATED,
    ),
    key=("publication_id",),
)

PUBLICATION_CONTRIBUTORS: Final = Relation(
    "publication_contributors",
    (
        required("publication_id", "Publication"),
        required("contributor_seq", "Place in the one order over all roles, 1, 2, ...", "integer"),
        required("contributor_role", "Role, the source's own term"),
        required("person_id", "Staff member; NULL = external"),
        optional("is_group", "A group, not a person", "boolean", "false"),
        required("credit_name", "Name as printed"),
        optional("family_names", "Family names"),
        optional("given_names", "Given names or initials"),
        optional("contributor_orcid", "ORCID iD, any spelling"),
        optional("contributor_email", "Address; never sent to ORCID"),
        optional("is_corresponding", "Corresponding author", "boolean"),
        optional("affiliation_name", "Affiliation as printed"),
        optional("affiliation_unit_id", "Unit of the affiliation"),
        required("claim_status", "approved | pending | rejected: this person's claim"),
        required("visibility", "public | internal | hidden: this person's wish for this publication"),
        UPDATED,
    ),
    key=("publication_id", "contributor_seq"),
)

PUBLICATION_IDENTIFIERS: Final = Relation(
    "publication_identifiers",
    (
        required("publication_id", "Publication"),
        required("identifier_seq", "Number within the publication", "integer"),
        required(
            "external_id_type",
            "doi pmid pmc arxiv isbn issn handle eid wosuid uri urn source-work-id other-id",
        ),
        required("external_id_value", "Value as entered"),
        optional("external_id_url", "Link of the identifier"),
        optional("external_id_relationship", "self | part-of | version-of | funded-by", default="'self'"),
        UPDATED,
    ),
    key=("publication_id", "identifier_seq"),
)

TOMBSTONES: Final = Relation(
    "tombstones",
    (
        required("entity", "Relation of the row that went, e.g. publications"),
        required("entity_id", "Its key"),
        required("reason", "deleted | merged | unpublished"),
        optional("merged_into_id", "Key of the survivor of a merge"),
        required("deleted_at", "When it went", "timestamptz"),
    ),
    key=("entity", "entity_id"),
    watermark="deleted_at",
)
