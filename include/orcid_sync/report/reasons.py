"""What a state or a reason means to a person: what happened, what to do, whose move it is.

The lists are closed: what the ledger shows and these lists don't know fails a test. The words name nobody, so that they
can be copied into a mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.errors import Who


@dataclass(frozen=True)
class Word:
    """A term of the ledger, its plain label, and what it means."""

    name: str
    label: str
    happened: str
    remedy: str = ""
    who: Who | None = None

    @property
    def text(self) -> str:
        """All of it in one line; whose move it is stands at the end."""
        parts = [f"{self.label}: {self.happened}.", f"{self.remedy}." if self.remedy else ""]
        parts.append(f"[{self.who}]" if self.who else "")
        return " ".join(filter(None, parts))


def _words(*words: Word) -> dict[str, Word]:
    return {word.name: word for word in words}


WITHHELD: Final = _words(
    Word(
        "already_on_record",
        "Already on the record",
        "The researcher or another source has the same thing on the record",
        "Nothing has to be done; a librarian may add our version too",
        Who.US,
    ),
    Word(
        "other_copy_removed",
        "Other copy removed",
        "Another source had it on the record and it is gone; ours was never written",
        "A librarian decides whether to add our version",
        Who.US,
    ),
    Word(
        "held_by_other_unit",
        "Held by another unit",
        "Another unit of ours owns this entry on the record",
        "Agree with that unit; `orcid-sync units move` gives it to another owner",
        Who.US,
    ),
    Word(
        "same_work_twice_in_cris",
        "Twice in the CRIS",
        "Two entries of the CRIS share an identifier for this researcher; one of them is sent",
        "Merge the two entries, or correct the identifier of one; it is asked for again when either of them changes",
        Who.CRIS_TEAM,
    ),
    Word(
        "no_usable_identifier",
        "No usable identifier",
        "It has no valid identifier of its own (DOI, ISBN, handle...), and ORCID needs one",
        "Add or correct an identifier",
        Who.CRIS_TEAM,
    ),
    Word(
        "type_not_mapped",
        "Type not mapped",
        "Its type in the CRIS has no counterpart at ORCID in our mapping",
        "Map the type, or leave it out on purpose",
        Who.US,
    ),
    Word(
        "not_published",
        "Not published",
        "It is not published yet (in press goes out with a DOI alone)",
        "Nothing: it follows by itself once it is published",
        Who.CRIS_TEAM,
    ),
    Word(
        "invalid_field",
        "Invalid field",
        "ORCID would not take one of its fields; the detail names it",
        "Correct the field",
        Who.CRIS_TEAM,
    ),
    Word(
        "refused_by_orcid",
        "Refused by ORCID",
        "ORCID refused it; the detail has its message",
        "Correct what the message names; it is sent again when the content changes or a librarian asks for it",
        Who.CRIS_TEAM,
    ),
    Word(
        "organisation_unknown",
        "Organisation unknown",
        "ORCID doesn't know the organisation's identifier, or it has none",
        "Give the organisation a ROR id",
        Who.CRIS_TEAM,
    ),
    Word(
        "record_full",
        "Record full",
        "The record holds as many works as ORCID allows",
        "Remove works that aren't needed from the record; it goes on by itself when a reading shows fewer",
        Who.RESEARCHER,
    ),
    Word(
        "retracted",
        "Retracted",
        "The publication was retracted",
        "Decide whether the entry on the record is to be removed",
        Who.US,
    ),
    Word(
        "quarantined",
        "Needs correction in the CRIS",
        "A check found something wrong in the row, so nothing is proposed for it",
        "Correct the row; the list of quarantined rows names check and reason",
        Who.CRIS_TEAM,
    ),
    Word(
        "pending_in_cris",
        "Pending in the CRIS",
        "The CRIS has not confirmed it yet, or it is under embargo",
        "Validate the entry or the claim; an embargo ends by itself",
        Who.CRIS_TEAM,
    ),
    Word(
        "vanished_from_cris",
        "Vanished from the CRIS",
        "The row or its person is no longer seen, and nothing says that it was deleted",
        "Restore it or delete it properly; a full extraction confirms a deletion",
        Who.CRIS_TEAM,
    ),
    Word(
        "left_institution",
        "Left the institution",
        "The researcher is no longer on the staff list, so nothing new is proposed",
        "Nothing: it goes on if the researcher returns",
        None,
    ),
    Word(
        "opted_out",
        "Opted out",
        "The staff list says that nothing of this person may be sent",
        "Nothing, unless the researcher asks for it",
        Who.RESEARCHER,
    ),
    Word(
        "not_in_pilot",
        "Not in the pilot",
        "The unit has begun with some researchers, and this is none of them",
        "Add the person to the unit's `pilot`, or empty the list for everybody",
        Who.US,
    ),
    Word(
        "paused",
        "Paused",
        "Somebody paused the sync for this unit, this researcher or everything",
        "`orcid-sync resume`",
        Who.US,
    ),
)

WAITING: Final = _words(
    Word(
        "never_asked",
        "Never asked",
        "The researcher was not asked for permission yet",
        "Invite the researcher",
        Who.US,
    ),
    Word(
        "invited",
        "Invited",
        "The researcher was invited and has not answered",
        "Connect the iD",
        Who.RESEARCHER,
    ),
    Word(
        "reminded",
        "Reminded",
        "The researcher was reminded of the invitation and has not answered",
        "Connect the iD",
        Who.RESEARCHER,
    ),
    Word("granted", "Connected", "We may read and write", "", None),
    Word(
        "wider_scope_needed",
        "Wider permission needed",
        "The researcher's permission doesn't cover what we would write",
        "Connect the iD again, and give the wider permission",
        Who.RESEARCHER,
    ),
    Word(
        "denied",
        "Denied",
        "The researcher did not give permission",
        "Nothing, unless the researcher asks",
        Who.RESEARCHER,
    ),
    Word(
        "revoked",
        "Disconnected",
        "The researcher took the permission back",
        "Nothing, unless the researcher connects again",
        Who.RESEARCHER,
    ),
    Word(
        "delete_only",
        "Disconnected, removal possible",
        "The researcher took the permission back; what we wrote can still be removed",
        "Decide whether to remove what we wrote",
        Who.US,
    ),
    Word("expired", "Expired", "The permission has expired", "Connect the iD again", Who.RESEARCHER),
    Word(
        "merged",
        "Record merged",
        "The record was merged into another one, which gave us no permission yet",
        "Connect the new iD",
        Who.RESEARCHER,
    ),
    Word(
        "paused_by_researcher",
        "Paused by the researcher",
        "The researcher paused the sync",
        "Resume in the portal",
        Who.RESEARCHER,
    ),
    Word("left", "Left", "The researcher left, and the permission is no longer used", "", None),
    Word(
        "less_granted",
        "Less granted",
        "The researcher's permission doesn't cover what the institution says of a person (/person/update)",
        "Add /person/update to ORCID_SYNC_PORTAL_SCOPES and invite the researcher again",
        Who.RESEARCHER,
    ),
    Word(
        "being_checked",
        "Being checked",
        "ORCID refused the permission once; it is checked before the next call",
        "Nothing: it is checked by itself",
        Who.US,
    ),
)

BLOCKED: Final = _words(
    Word(
        "record_locked",
        "Record locked",
        "ORCID has locked the record",
        "Ask ORCID support to unlock the record; it goes on by itself then",
        Who.RESEARCHER,
    ),
    Word(
        "record_deactivated",
        "Record deactivated",
        "The researcher closed the record",
        "Reactivate the record at ORCID if this was not meant",
        Who.RESEARCHER,
    ),
    Word(
        "record_merged",
        "Record merged",
        "The record was merged into another one",
        "Connect the new iD",
        Who.RESEARCHER,
    ),
    Word(
        "record_unclaimed",
        "Record unclaimed",
        "The record has no owner yet",
        "Claim the record",
        Who.RESEARCHER,
    ),
    Word(
        "record_unknown",
        "Record unknown",
        "ORCID does not know this iD",
        "Check that iD and connection belong to the same registry (production or sandbox)",
        Who.US,
    ),
    Word(
        "record_emptied",
        "Record emptied",
        "Most of our entries vanished from the record at once",
        "Ask the researcher, and say it: `orcid-sync review emptied --orcid ... --answer removed` (they stay away) or "
        "`--answer lost` (they are proposed again)",
        Who.US,
    ),
    Word(
        "gave_up",
        "Given up",
        "It failed as often as is tried; the detail has the last message",
        "Look at the message; a librarian may have it tried again",
        Who.US,
    ),
    Word(
        "between_versions",
        "Between two versions",
        "Identifiers were exchanged between our entries, and this one could get neither its new content nor its former",
        "Correct what the detail names, or let a librarian have it tried again (`orcid-sync review assert`)",
        Who.US,
    ),
)

STATES: Final = _words(
    Word("proposed", "Proposed", "It waits for a decision", "Approve or reject it", Who.US),
    Word("approved", "Approved", "It is written by the next run", "", None),
    Word(
        "rejected",
        "Rejected",
        "A person rejected this content; it comes back when the content changes",
        "",
        None,
    ),
    Word("suppressed", "Never send", "A librarian said that it is never to be sent", "", None),
    Word(
        "declined_by_researcher",
        "Declined by the researcher",
        "The researcher does not want it on the record",
        "Only the researcher takes it back",
        Who.RESEARCHER,
    ),
    Word("withheld", "Not sent", "A rule keeps it back; its reason says which", "", None),
    Word(
        "waiting_permission",
        "Waiting for the researcher's permission",
        "There is no permission that can be used",
        "Connect the iD",
        Who.RESEARCHER,
    ),
    Word(
        "on_hold",
        "Waiting for the CRIS",
        "The CRIS can't say whether it is still wanted; what stands on the record stays",
        "Correct what the reason names",
        Who.CRIS_TEAM,
    ),
    Word(
        "retrying",
        "Will be tried again",
        "A call failed or was not answered",
        "Nothing: it is tried again",
        None,
    ),
    Word("blocked", "Stopped, needs a person", "It can't go on by itself; its reason says why", "", Who.US),
    Word("written", "Written", "It stands on the record as the CRIS has it", "", None),
    Word("removed", "Removed", "We removed it from the record", "", None),
    Word(
        "removed_by_researcher",
        "Removed by the researcher",
        "The researcher removed it from the record; it does not come back by itself",
        "Restore it if the researcher asks for it",
        Who.RESEARCHER,
    ),
    Word(
        "record_merged",
        "Record merged",
        "The record it stood on was merged into another one",
        "Connect the new iD",
        Who.RESEARCHER,
    ),
    Word("none", "Nothing to do", "Nothing is proposed and nothing stands on the record", "", None),
)

# More words for the pages: term and label.
LABELS: Final[dict[str, str]] = {
    "quarantine": "Needs correction in the CRIS",
    "assert": "Add our version too",
    "adopt": "Link to our existing entry",
    "superseded": "Replaced by a newer version",
    "orphan": "On ORCID, not in our CRIS",
    "drift": "Differences found",
}


def explain(state: str, reason: str | None = None) -> Word:
    """What an item's state and reason mean; an unknown reason is shown as it stands, under its state."""
    rooms = {"withheld": WITHHELD, "on_hold": WITHHELD, "waiting_permission": WAITING, "blocked": BLOCKED}
    if reason is None:
        return STATES[state]
    known = rooms.get(state, {}).get(reason) or WITHHELD.get(reason) or BLOCKED.get(reason)
    general = STATES[state]
    return known or Word(reason, reason.replace("_", " "), general.happened, general.remedy, general.who)
