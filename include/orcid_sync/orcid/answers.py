"""What the registry's refusals mean: one table of (status, error code), and a family for what isn't in it.

Status and code are the registry's contract, its texts are not. Two shapes of body carry refusals: the registry's own
error object (`error-code`) and OAuth's (`error`), which also answers API calls with a bad token.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from orcid_sync.errors import (
    ConsentFailed,
    Duplicate,
    Gone,
    Hidden,
    Invalid,
    ItemRefused,
    Misconfigured,
    NoAnswer,
    NotSource,
    PermissionLost,
    RateLimited,
    RecordDeactivated,
    RecordFull,
    RecordLocked,
    RecordMerged,
    RecordUnclaimed,
    RecordUnknown,
    ScopeMissing,
    ServerError,
    SyncError,
    TokenOfAnotherRecord,
    TokenRefused,
    Transient,
    Who,
)
from orcid_sync.orcid.calls import Answer, Call, Target
from orcid_sync.orcid.redaction import redact

REFUSED = "ORCID refused the item"
_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
_PUT_CODE = re.compile(r"put-code\s+(\d+)")
_ENUMERATED = re.compile(r"Invalid ([\w][\w -]*?)(?:,|:| - | valid)")


@dataclass(frozen=True)
class Rule:
    """What one refusal means. `field` is the part of the payload to blame, as the registry names it."""

    error: type[SyncError]
    why: str
    what: str = REFUSED
    field: str | None = None
    remedy: str = ""
    who: Who | None = None


def _invalid(why: str, field: str | None = None, who: Who | None = None) -> Rule:
    return Rule(Invalid, why, field=field, who=who)


_OURS = "This is a fault of the program: report it with this message"
_WRONG_ADDRESS = "Check host, web_base and public_base of the ORCID connection"
_ENDPOINT = "The registry doesn't know this call"
_RECORD = "The ORCID record can't be used"
_SCOPE = "The permission isn't enough for this call"

RULES: Mapping[tuple[int, int], Rule] = {
    (500, 9000): Rule(ServerError, "it had a connection problem of its own", "The registry failed"),
    (400, 9001): _invalid("the content can't be read", who=Who.US),
    (404, 9001): Rule(Misconfigured, "no such address", _ENDPOINT, remedy=_WRONG_ADDRESS),
    (405, 9001): Rule(Misconfigured, "the method doesn't fit the address", _ENDPOINT, remedy=_OURS),
    (406, 9001): Rule(Misconfigured, "it can't answer in JSON here", _ENDPOINT, remedy=_OURS),
    (415, 9001): Rule(Misconfigured, "it doesn't take JSON here", _ENDPOINT, remedy=_OURS),
    (401, 9002): Rule(TokenRefused, "the client isn't authenticated with this token", "A token was refused"),
    (401, 9003): Rule(TokenRefused, "the client isn't authorized with this token", "A token was refused"),
    (403, 9004): Rule(ScopeMissing, "insufficient or wrong scope", _SCOPE),
    (403, 9005): Rule(ScopeMissing, "insufficient or wrong scope", _SCOPE),
    (400, 9006): _invalid("an argument is bad", who=Who.US),
    (301, 9007): Rule(RecordMerged, "it was merged into another record", _RECORD),
    (409, 9007): Rule(RecordMerged, "it was merged into another record", _RECORD),
    (500, 9008): Rule(ServerError, "an unexpected error", "The registry failed"),
    (403, 9009): Rule(ItemRefused, "the notification was read already", remedy="Nothing", who=Who.US),
    (403, 9010): Rule(NotSource, "another source added it"),
    (404, 9011): Rule(Gone, "no such record or item", "The item isn't there"),
    (400, 9012): _invalid("the request is bad or breaks the schema", who=Who.US),
    (403, 9013): Rule(Hidden, "it is private and another source added it", "The item can't be read"),
    (403, 9014): Rule(NotSource, "another source added it"),
    (401, 9015): Rule(
        Misconfigured, "a scope isn't allowed for this client", _SCOPE, who=Who.CONSORTIUM_LEAD
    ),
    (404, 9016): Rule(Gone, "no such item on the record", "The item isn't there"),
    (401, 9017): Rule(
        TokenOfAnotherRecord, "it was given for another record, or to a public client", "A token was refused"
    ),
    (409, 9018): Rule(RecordLocked, "ORCID locked it", _RECORD),
    (400, 9019): _invalid("put codes in address and content differ", "put-code", Who.US),
    (400, 9020): _invalid("a rule about its content is broken"),
    (409, 9021): Rule(Duplicate, "we added an item with the same identifier before", who=Who.US),
    (400, 9022): _invalid("it has no title", "title"),
    (400, 9023): _invalid("an identifier is missing or invalid", "external-ids"),
    (400, 9024): _invalid("a new item must have no put code", "put-code", Who.US),
    (409, 9025): Rule(Duplicate, "the peer review group exists already"),
    (400, 9026): _invalid("the peer review group doesn't exist", "review-group-id", Who.US),
    (404, 9027): Rule(Misconfigured, "no such API client", "The registry doesn't know the client"),
    (404, 9028): Rule(Gone, "no such webhook", "The webhook isn't there", remedy="Nothing", who=Who.US),
    (404, 9029): Rule(
        Gone, "no such notification", "The notification isn't there", remedy="Nothing", who=Who.US
    ),
    (409, 9030): Rule(Duplicate, "we added the same entry before", who=Who.US),
    (409, 9031): _invalid("an update must have a put code", "put-code", Who.US),
    (409, 9032): Rule(
        ItemRefused,
        "the researcher takes no notifications from organisations",
        "The notification wasn't sent",
        remedy="Invite the researcher in another way",
        who=Who.US,
    ),
    (400, 9033): Rule(Gone, "no such name on the record", "The item isn't there"),
    (400, 9034): _invalid("the put code isn't valid", "put-code", Who.US),
    (403, 9035): _invalid("an item's visibility is its researcher's to change", "visibility", Who.US),
    (409, 9036): Rule(RecordUnclaimed, "its owner hasn't claimed it yet", _RECORD),
    (400, 9037): _invalid("a value isn't in the registry's list"),
    (403, 9038): Rule(ScopeMissing, "the required scope is missing", _SCOPE),
    (403, 9039): Rule(Hidden, "it isn't public", "The item can't be read"),
    (409, 9040): Rule(
        ItemRefused,
        "it is in use and can't be deleted",
        "The item wasn't removed",
        remedy="Ask ORCID support, naming client and section",
        who=Who.US,
    ),
    (404, 9041): Rule(
        Gone, "the record has no biography", "The item isn't there", remedy="Nothing", who=Who.US
    ),
    (400, 9042): Rule(Misconfigured, "too many put codes in one call", _ENDPOINT, remedy=_OURS),
    (400, 9043): Rule(Misconfigured, "it doesn't page that far", _ENDPOINT, remedy=_OURS),
    (409, 9044): Rule(RecordDeactivated, "its owner deactivated it", _RECORD),
    (400, 9045): _invalid("the organisation's identifier is missing or not in ORCID's list", "organization"),
    (400, 9046): _invalid("the organisation is missing", "organization"),
    (400, 9047): _invalid("the content doesn't fit the schema"),
    (409, 9048): Rule(RecordFull, "it holds 10,000 works", _RECORD),
    (400, 9049): _invalid("a date isn't valid", "date"),
    (400, 9050): _invalid("there is an end date without a start date", "start-date"),
    (400, 9051): _invalid("a value isn't in the registry's list"),
    (403, 9052): Rule(Misconfigured, "the token needs a newer version of the API", _ENDPOINT, remedy=_OURS),
    (400, 9053): _invalid("the ISSN isn't valid", "review-group-id"),
    (400, 9054): _invalid("the amount isn't a number", "amount"),
    (400, 9055): _invalid("it ends before it starts", "end-date"),
    (308, 9056): Rule(Misconfigured, "this version of the API is retired", _ENDPOINT, remedy=_OURS),
    (409, 9057): Rule(
        Misconfigured,
        "ORCID locked or closed the API client",
        "The API client can't be used",
        remedy="Ask ORCID support or the consortium lead why the client is locked",
        who=Who.CONSORTIUM_LEAD,
    ),
    (400, 9058): _invalid("a contributor's role isn't in the registry's list", "contributor-role"),
    (308, 9059): Rule(Misconfigured, "this version of the API is retired", _ENDPOINT, remedy=_OURS),
    (400, 9060): _invalid("the organisation's city or country is missing", "address"),
    (400, 9061): _invalid("there is a city or region without a country", "address"),
    (400, 9062): _invalid("neither an organisation's identifier nor another one is given", "external-ids"),
}

_CREDENTIALS = Rule(
    Misconfigured,
    "client id or secret is wrong",
    "The registry refused the API client",
    remedy="Correct login and password of the ORCID connection",
)
_LOCKED_CLIENT = Rule(
    Misconfigured,
    "the API client is locked or deactivated",
    "The registry refused the API client",
    remedy="Ask ORCID support or the consortium lead why the client is locked",
    who=Who.CONSORTIUM_LEAD,
)
_FORBIDDEN_SCOPE = Rule(
    Misconfigured,
    "the client may not ask for this scope",
    "The registry refused the API client",
    remedy="Check the client's membership level with the consortium lead",
    who=Who.CONSORTIUM_LEAD,
)
_CODE = Rule(
    ConsentFailed,
    "the one-time code is unknown, expired, used up, or came for another redirect address",
    "The permission did not come about",
)
_REFRESH = Rule(TokenRefused, "revoked, expired or replaced", "A refresh token was refused")

# Keys: what OAuth's `error` says, and the grant it was an answer to (None: any).
OAUTH_RULES: Mapping[tuple[str, str | None], Rule] = {
    ("access_denied", None): Rule(
        ConsentFailed, "the researcher said no", "The permission did not come about"
    ),
    ("invalid_client", None): _CREDENTIALS,
    ("unauthorized", None): _CREDENTIALS,
    ("invalid_grant", "authorization_code"): _CODE,
    ("invalid_grant", "refresh_token"): _REFRESH,
    ("invalid_token", "refresh_token"): _REFRESH,
    ("invalid_scope", "refresh_token"): Rule(ScopeMissing, "less was granted than is asked for", _SCOPE),
    ("invalid_scope", None): _FORBIDDEN_SCOPE,
    ("unauthorized_client", "authorization_code"): Rule(
        ConsentFailed, "record or client is locked", "The permission did not come about"
    ),
    ("unauthorized_client", "refresh_token"): Rule(
        TokenRefused, "record or client is locked", "A refresh token was refused"
    ),
    ("unauthorized_client", None): _LOCKED_CLIENT,
    ("server_error", None): Rule(ServerError, "an unexpected error", "The registry failed"),
}


def error_from(answer: Answer, call: Call) -> SyncError:
    """The error that a refusal means. Never holds a token or an iD in its text."""
    code = _error_code(answer.body)
    if code is not None:
        rule = RULES.get((answer.status, code)) or _family(answer, call)
        return _build(_in_context(rule, code, call), answer, call, code)
    oauth = answer.body.get("error") if isinstance(answer.body, dict) else None
    if isinstance(oauth, str):
        return _build(_oauth_rule(oauth, answer, call), answer, call, None)
    return _build(_family(answer, call), answer, call, None)


def element_error(body: Mapping[str, Any], call: Call) -> SyncError:
    """The error of one element of a bulk answer: the status it would have had alone is in its body."""
    status = body.get("response-code")
    answer = Answer(status if isinstance(status, int) else HTTPStatus.INTERNAL_SERVER_ERROR, {}, body)
    return error_from(answer, call)


def message_of(body: object) -> str:
    """The registry's own words, redacted; OAuth's descriptions are left out, for they quote tokens."""
    if not isinstance(body, dict):
        return ""
    text = body.get("developer-message") or body.get("user-message") or ""
    return redact(str(text))


def retry_after(headers: Mapping[str, str], now: dt.datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, given as seconds or as a date; None where there is none that can be read."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=dt.UTC)
    return max(0.0, (date - (now or dt.datetime.now(dt.UTC))).total_seconds())


def _error_code(body: object) -> int | None:
    if not isinstance(body, dict):
        return None
    code = body.get("error-code")
    if isinstance(code, str) and code.isdecimal():
        return int(code)
    return code if isinstance(code, int) else None


def _oauth_rule(oauth: str, answer: Answer, call: Call) -> Rule:
    if call.target is not Target.TOKEN:
        return _bearer_rule(oauth, answer, call)
    rule = OAUTH_RULES.get((oauth, call.grant)) or OAUTH_RULES.get((oauth, None))
    if rule is not None:
        return rule
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _family(answer, call)
    return Rule(Misconfigured, "the token request isn't understood", _ENDPOINT, remedy=_OURS)


def _bearer_rule(oauth: str, answer: Answer, call: Call) -> Rule:
    """An API call that did not get past the check of its token."""
    if answer.status == HTTPStatus.UNAUTHORIZED and oauth == "invalid_token":
        if call.orcid is None:
            return Rule(
                TokenRefused,
                "the client's own token is revoked or expired",
                "A token was refused",
                remedy="A new one is fetched by itself",
                who=Who.US,
            )
        return Rule(TokenRefused, "revoked, expired or unknown", "A token was refused")
    if answer.status == HTTPStatus.FORBIDDEN:
        return Rule(
            Misconfigured,
            "no token arrived, or the API client is a public one",
            "The registry refused the API client",
            remedy="Use a member client's credentials, and check that no proxy drops the Authorization header",
        )
    return _family(answer, call)


def _in_context(rule: Rule, code: int, call: Call) -> Rule:
    """The same code for a whole record, for one item, for a read."""
    if rule.error is Gone and call.target is Target.RECORD:
        return Rule(RecordUnknown, "the registry knows no such iD", _RECORD)
    if code == 9034 and call.target is Target.BULK_READ:
        return Rule(Gone, "no such item on the record", "The item isn't there")
    if code == 9038 and call.reads and call.target is not Target.RECORD:
        return Rule(Hidden, "it isn't public and the permission doesn't include it", "The item can't be read")
    if rule.error is Invalid and call.reads:
        return Rule(Misconfigured, rule.why, _ENDPOINT, remedy=_OURS)
    return rule


def _family(answer: Answer, call: Call) -> Rule:
    """What a status alone means, where no known code says more.

    A 401, 403 or 404 that isn't the registry's own (a proxy's, a firewall's, another server's) must never be taken
    for a lost permission or a removed item.
    """
    status = answer.status
    coded = _error_code(answer.body) is not None
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Rule(RateLimited, "too many calls", "The registry refused a call")
    if status == HTTPStatus.SERVICE_UNAVAILABLE and not coded:
        return Rule(RateLimited, "too many calls, or it is closed for a while", "The registry refused a call")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Rule(ServerError, "an unexpected error", "The registry failed")
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return Rule(NoAnswer, "it waited too long for the request", "The registry gave up on a call")
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return Rule(
            ServerError, "the answer isn't what this call gets", "The registry's answer can't be read"
        )
    if coded and status == HTTPStatus.UNAUTHORIZED:
        return Rule(PermissionLost, "not authorized", "The registry refused a token")
    if coded and status == HTTPStatus.FORBIDDEN:
        return Rule(ItemRefused, "forbidden")
    item_statuses = {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not call.reads:
        return Rule(Invalid, "it is too large", who=Who.US)
    if status in item_statuses and not call.reads and call.target is not Target.TOKEN:
        return Rule(ItemRefused, "for a reason this program doesn't know")
    return Rule(Misconfigured, "the answer isn't what this call gets", _ENDPOINT, remedy=_WRONG_ADDRESS)


def _build(rule: Rule, answer: Answer, call: Call, code: int | None) -> SyncError:
    message = message_of(answer.body)
    details: dict[str, Any] = {
        "why": rule.why,
        "remedy": rule.remedy,
        "who": rule.who,
        "status": answer.status,
        "error_code": code,
        "retry_after": retry_after(answer.headers),
        "registry_message": message,
    }
    if issubclass(rule.error, RecordMerged):
        return rule.error(rule.what, new_orcid=_new_orcid(answer, call), **details)
    if issubclass(rule.error, Duplicate):
        return rule.error(rule.what, put_code=_named_put_code(answer.body), **details)
    if issubclass(rule.error, ItemRefused):
        return rule.error(rule.what, field=rule.field or _named_field(code, message), **details)
    if issubclass(rule.error, Transient):
        doubt = rule.error.default_doubt and not call.reads
        return rule.error(rule.what, doubt=doubt, **details)
    return rule.error(rule.what, **details)


def _new_orcid(answer: Answer, call: Call) -> str | None:
    """The record merged into: from the Location header, else from the message (which names the old one too)."""
    location = next((text for name, text in answer.headers.items() if name.lower() == "location"), "")
    texts = [location]
    if isinstance(answer.body, dict):
        texts += [str(answer.body.get(key) or "") for key in ("developer-message", "user-message")]
    named = [orcid for text in texts for orcid in _ORCID.findall(text) if orcid != call.orcid]
    return named[0] if named else None


def _named_put_code(body: object) -> int | None:
    text = str(body.get("developer-message") or "") if isinstance(body, dict) else ""
    found = _PUT_CODE.search(text)
    return int(found.group(1)) if found else None


def _named_field(code: int | None, message: str) -> str | None:
    """The field that a message about a listed value names, where it names one."""
    if code not in (9037, 9051):
        return None
    found = _ENUMERATED.search(message)
    return found.group(1).strip().lower().replace(" ", "-") if found else None
