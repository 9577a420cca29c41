"""What can go wrong, grouped by what it means for the work, not by where it was noticed.

::

    SyncError
    ├── Transient              try again later; `doubt` says whether the request may have been carried out
    │   ├── RateLimited        429, or 503 of the registry's front door: nothing was carried out
    │   ├── Unreachable        no connection came about: nothing was carried out
    │   ├── NoAnswer           sent, but no (whole) answer came: read before repeating a write
    │   └── ServerError        5xx, or an answer that can't be read: read before repeating a write
    ├── Misconfigured          nothing works until a person acts: stop at once, alert
    │   └── SettingInvalid     a variable, connection or key is missing or wrong
    ├── PermissionLost         one researcher's permission: stop calling for this researcher, others go on
    │   ├── TokenRefused       revoked or expired
    │   ├── TokenOfAnotherRecord
    │   ├── ScopeMissing       the researcher granted less than this call needs
    │   └── ConsentFailed      denied, or the one-time code is used up
    ├── RecordUnavailable      one researcher's record: blocked with a reason, others go on
    │   ├── RecordLocked
    │   ├── RecordDeactivated
    │   ├── RecordMerged       `new_orcid` is the record it was merged into, where the registry named it
    │   ├── RecordUnclaimed
    │   ├── RecordFull
    │   └── RecordUnknown
    └── ItemRefused            one item: withheld with field and remedy, its neighbours go on
        ├── Duplicate          our own item with the same identifier stands already: `put_code`
        ├── Gone               the item isn't on the record any more
        ├── NotSource          another client or person added the item
        ├── Hidden             the item can't be read with this permission
        └── Invalid            the registry doesn't accept the content: `field`

Every error says what happened, why, what to do and whose move it is, in words that can be copied into a
mail: no names, no iDs, no e-mail addresses, no secrets. What identifies somebody is in attributes, never in
the text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar


class Who(StrEnum):
    """Whose move it is."""

    US = "us"
    CRIS_TEAM = "CRIS team"
    RESEARCHER = "researcher"
    CONSORTIUM_LEAD = "consortium lead"
    ORCID = "ORCID"


def _restore(cls: type[SyncError], args: tuple[Any, ...], state: dict[str, Any]) -> SyncError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class SyncError(Exception):
    """The root. `what` happened, `why` (the reason as known), `remedy`, and `who` can do it.

    `status` and `error_code` are the registry's, `retry_after` is in seconds, `registry_message` is the
    registry's own text with tokens, iDs and e-mail addresses taken out.
    """

    kind: ClassVar[str] = "error"
    default_remedy: ClassVar[str] = ""
    default_who: ClassVar[Who] = Who.US

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        remedy: str = "",
        who: Who | None = None,
        status: int | None = None,
        error_code: int | None = None,
        retry_after: float | None = None,
        registry_message: str = "",
    ) -> None:
        self.what = what
        self.why = why
        self.remedy = remedy or self.default_remedy
        self.who = who or self.default_who
        self.status = status
        self.error_code = error_code
        self.retry_after = retry_after
        self.registry_message = registry_message
        super().__init__(what)

    def __str__(self) -> str:
        head = f"{self.what}: {self.why}" if self.why else self.what
        figures = [
            f"status {self.status}" if self.status else "",
            f"error code {self.error_code}" if self.error_code else "",
        ]
        shown = ", ".join(figure for figure in figures if figure)
        if shown:
            head = f"{head} ({shown})"
        # What a database or the contract says may be a whole sentence already.
        end = " " if head.endswith((".", "?", "!")) else ". "
        return f"{head}{end}{self.remedy} [{self.who}]" if self.remedy else head

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


class Transient(SyncError):
    """Try again later. With `doubt`, the request may have been carried out: read before writing again."""

    kind = "transient"
    default_doubt: ClassVar[bool] = True
    default_remedy = "It is tried again by itself"

    def __init__(self, what: str, *, doubt: bool | None = None, **details: Any) -> None:
        super().__init__(what, **details)
        self.doubt = self.default_doubt if doubt is None else doubt


class RateLimited(Transient):
    """Refused at the door for too many calls: not carried out. `retry_after` where the registry named one."""

    kind = "rate_limited"
    default_doubt = False
    default_remedy = "Calls are slowed down and tried again by themselves"


class Unreachable(Transient):
    """No connection came about, so nothing was carried out."""

    kind = "unreachable"
    default_doubt = False
    default_remedy = "It is tried again by itself; if it lasts, check network, proxy and host"


class NoAnswer(Transient):
    """The request went out and no whole answer came back."""

    kind = "no_answer"


class ServerError(Transient):
    """The other side failed, or its answer can't be read."""

    kind = "server_error"
    default_remedy = "It is tried again by itself; if it lasts, see status.orcid.org"
    default_who = Who.ORCID


class Misconfigured(SyncError):
    """Nothing works until a person acts."""

    kind = "misconfigured"
    default_remedy = "Run `orcid-sync doctor`"


class SettingInvalid(Misconfigured):
    """A variable, connection or key is missing or wrong; `variable` names it."""

    kind = "setting_invalid"

    def __init__(self, what: str, *, variable: str, **details: Any) -> None:
        super().__init__(what, **details)
        self.variable = variable


class PermissionLost(SyncError):
    """One researcher's permission can't be used."""

    kind = "permission_lost"
    default_remedy = "Ask the researcher to connect the iD again"
    default_who = Who.RESEARCHER


class TokenRefused(PermissionLost):
    """Revoked or expired."""

    kind = "token_refused"


class TokenOfAnotherRecord(PermissionLost):
    """The token was given for another iD than the one it is stored with."""

    kind = "token_of_another_record"


class ScopeMissing(PermissionLost):
    """The researcher granted less than this call needs."""

    kind = "scope_missing"


class ConsentFailed(PermissionLost):
    """The consent did not come about: denied, or its one-time code is unknown, expired or used up."""

    kind = "consent_failed"


class RecordUnavailable(SyncError):
    """One researcher's record can't be read or written now."""

    kind = "record_unavailable"
    default_who = Who.RESEARCHER


class RecordLocked(RecordUnavailable):
    """Locked by the registry, for example on suspicion of misuse."""

    kind = "locked"
    default_remedy = "The researcher asks ORCID support to unlock the record; then it goes on by itself"


class RecordDeactivated(RecordUnavailable):
    """Closed by its owner."""

    kind = "deactivated"
    default_remedy = "If this was not meant, the researcher reactivates the record at ORCID; else nothing"


class RecordMerged(RecordUnavailable):
    """Deprecated in favour of another record; `new_orcid` where the registry named it."""

    kind = "merged"
    default_remedy = "Ask the researcher to connect the new iD: neither items nor permission move along"

    def __init__(self, what: str, *, new_orcid: str | None, **details: Any) -> None:
        super().__init__(what, **details)
        self.new_orcid = new_orcid


class RecordUnclaimed(RecordUnavailable):
    """Created by somebody else and not yet claimed by its owner."""

    kind = "unclaimed"
    default_remedy = "The researcher claims the record; it goes on by itself then"


class RecordFull(RecordUnavailable):
    """The record holds as many works as the registry allows (10,000)."""

    kind = "full"
    default_remedy = "The researcher removes works that aren't needed from the record"


class RecordUnknown(RecordUnavailable):
    """The registry knows no such iD."""

    kind = "unknown"
    default_remedy = "Check that iD and connection belong to the same registry (production or sandbox)"
    default_who = Who.US


class ItemRefused(SyncError):
    """One item wasn't accepted. `field` names the part of the payload, where one is to blame.

    `reason` is the withheld reason an item refused in this way gets.
    """

    kind = "refused"
    default_remedy = "Correct the item in the CRIS, or send the registry's message to the operator"
    default_who = Who.CRIS_TEAM

    def __init__(self, what: str, *, field: str | None = None, **details: Any) -> None:
        super().__init__(what, **details)
        self.field = field

    @property
    def reason(self) -> str:
        return "refused_by_orcid"


class Duplicate(ItemRefused):
    """An item of this client with the same identifier stands on the record; `put_code` where it was named."""

    kind = "duplicate"
    default_remedy = "It is linked to the existing item by itself if no unit holds that"
    default_who = Who.US

    def __init__(self, what: str, *, put_code: int | None, **details: Any) -> None:
        super().__init__(what, **details)
        self.put_code = put_code


class Gone(ItemRefused):
    """The record has no item of this put code (any more)."""

    kind = "gone"
    default_remedy = "Nothing: what the researcher removed stays removed until somebody restores it"
    default_who = Who.RESEARCHER


class NotSource(ItemRefused):
    """Another client or person added the item, so only they may change it."""

    kind = "not_source"
    default_remedy = "Check which API client wrote the item (`our_clients` in the units file)"
    default_who = Who.US


class Hidden(ItemRefused):
    """The item is there, but this permission may not read it."""

    kind = "hidden"
    default_remedy = "Nothing: the researcher chose who may see it"
    default_who = Who.RESEARCHER


class Invalid(ItemRefused):
    """The registry doesn't accept the content."""

    kind = "invalid"

    @property
    def reason(self) -> str:
        if self.field == "organization":
            return "organisation_unknown"
        return "invalid_field" if self.field else "refused_by_orcid"
