"""What the portal calls the states of items and permissions. The labels are translated like any other text."""

from __future__ import annotations

from typing import Final

from orcid_sync.report.reasons import explain


def N_(text: str) -> str:
    return text


# State of an item -> heading under which it is listed, in the order of the page.
GROUPS: Final = {
    "choose": N_("For you to choose"),
    "soon": N_("Will be added"),
    "waiting": N_("Waiting"),
    "on_record": N_("On your ORCID record"),
    "withheld": N_("Not sent"),
    "refused": N_("You said no"),
}
_GROUP_OF: Final = {
    "approved": "soon",
    "retrying": "soon",
    "proposed": "waiting",
    "waiting_permission": "soon",
    "permission_given": "soon",
    "on_hold": "waiting",
    "written": "on_record",
    "declined_by_researcher": "refused",
    "removed_by_researcher": "refused",
}
LABELS: Final = {
    "approved": N_("Will be added with the next update"),
    "retrying": N_("Will be tried again"),
    "proposed": N_("Waiting for the library's check"),
    "choose": N_("Waiting for your choice"),
    "waiting_permission": N_("Waiting for your permission"),
    "permission_given": N_("Comes with the next update"),
    "on_hold": N_("Waiting for a correction in the university's database"),
    "written": N_("On your record"),
    "rejected": N_("Not sent: the library decided against it"),
    "suppressed": N_("Not sent: the library keeps it back"),
    "withheld": N_("Not sent"),
    "blocked": N_("Stopped, somebody looks into it"),
    "declined_by_researcher": N_("You decided against it"),
    "removed_by_researcher": N_("You removed it at ORCID"),
    "record_merged": N_("Stood on a record that was merged"),
    "being_taken_off": N_("Is being removed from your record"),
}
REASONS: Final = {
    "already_on_record": N_("it is on your record already"),
    "other_copy_removed": N_("another copy of it was removed from your record"),
    "held_by_other_unit": N_("another unit of the university takes care of it"),
    "same_work_twice_in_cris": N_("the database has it twice; one of them is sent"),
    "no_usable_identifier": N_("it has no DOI or other identifier that ORCID takes"),
    "type_not_mapped": N_("ORCID has no type for it"),
    "not_published": N_("it is not published yet"),
    "invalid_field": N_("one of its fields has to be corrected in the database"),
    "refused_by_orcid": N_("ORCID refused it"),
    "organisation_unknown": N_("ORCID does not know the organisation"),
    "record_full": N_("your record is full"),
    "retracted": N_("it was retracted"),
    "quarantined": N_("it has to be corrected in the database"),
    "pending_in_cris": N_("it is not confirmed in the database yet"),
    "vanished_from_cris": N_("it is not in the database at the moment"),
    "left_institution": N_("it belongs to somebody who left the university"),
    "opted_out": N_("the staff list says that nothing of yours may be sent"),
    "not_in_pilot": N_("the library starts with a few researchers; you will follow"),
    "paused": N_("the sync is paused"),
}
SECTIONS: Final = {
    "work": N_("Publication"),
    "employment": N_("Employment"),
    "education": N_("Education"),
    "qualification": N_("Qualification"),
    "distinction": N_("Distinction"),
    "invited-position": N_("Invited position"),
    "membership": N_("Membership"),
    "service": N_("Service"),
    "funding": N_("Funding"),
    "peer-review": N_("Peer review"),
    "research-resource": N_("Research resource"),
    "researcher-url": N_("Web page"),
    "external-identifier": N_("Identifier"),
}
PERMISSIONS: Final = {
    "none": N_("Not connected"),
    "never_asked": N_("Not connected"),
    "invited": N_("Not connected"),
    "reminded": N_("Not connected"),
    "granted": N_("Connected"),
    "leaving": N_("Being disconnected"),
    "being_checked": N_("Being checked"),
    "less_granted": N_("Connected, with less than is needed"),
    "denied": N_("Not connected: you declined"),
    "revoked": N_("Disconnected"),
    "delete_only": N_("Disconnected at ORCID"),
    "expired": N_("Expired"),
    "merged": N_("Your ORCID record was merged into another one"),
    "wider_scope_needed": N_("A wider permission is needed"),
    "paused_by_researcher": N_("Paused by you"),
    "left": N_("Ended, because you left the university"),
}
SCOPES: Final = {
    "/read-limited": N_("read what you share with everyone and with trusted organisations"),
    "/activities/update": N_("add your publications and posts, and correct or remove what we added"),
    "/person/update": N_("add links and keywords to your record, and correct or remove what we added"),
    "/authenticate": N_("learn your ORCID iD from ORCID itself"),
    "openid": N_("learn your ORCID iD from ORCID itself"),
}
# What a page says after an act; the address carries the key alone.
SAID: Final = {
    "connected": N_("Your ORCID iD is connected. Thank you."),
    "changed": N_("Saved."),
    "unchanged": N_("Nothing had to be changed."),
    "paused": N_("Paused: nothing is written until you go on."),
    "resumed": N_("Updates go on."),
    "disconnected": N_("Disconnected. Nothing is read or written any more."),
    "leaving": N_("Our entries are being removed; then we disconnect. You can close this page."),
    "erased": N_("What we stored about you was erased, and you will not be invited again."),
    "signed_out": N_("You are signed out."),
}


def group_of(state: str, choices: tuple[str, ...], being_taken_off: bool) -> str:
    """The heading of the list under which an item stands."""
    if being_taken_off:
        return "refused"
    if "send" in choices and state == "proposed":
        return "choose"
    return _GROUP_OF.get(state, "withheld")


def label_of(state: str, choices: tuple[str, ...], being_taken_off: bool) -> str:
    """The plain label of an item's state."""
    if being_taken_off:
        return LABELS["being_taken_off"]
    if "send" in choices and state == "proposed":
        return LABELS["choose"]
    return LABELS.get(state) or explain(state).label


def reason_of(reason: str | None) -> str | None:
    """Why an item is held, in words for its researcher."""
    return None if reason is None else REASONS.get(reason)
