"""The registry's error codes and the objects that carry them.

Status and code are the contract; the texts are this simulator's own. Placeholders without a value stay literal, as
they do upstream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MORE_INFO = "https://members.orcid.org/api/resources/troubleshooting"


@dataclass(frozen=True)
class ErrorKind:
    """One error code: the status it is sent with unless the case says otherwise, and its texts."""

    code: int
    status: int
    developer: str
    user: str


_KINDS = (
    ErrorKind(9000, 500, "The registry could not be reached.", "The registry could not be reached."),
    ErrorKind(
        9001,
        400,
        "The request does not fit the endpoint: malformed body, wrong method, media type or path.",
        "ORCID could not read the data.",
    ),
    ErrorKind(9002, 401, "The API client is not authenticated.", "The application is not authorized."),
    ErrorKind(9003, 401, "The API client is not authorized.", "The application is not authorized."),
    ErrorKind(
        9004, 403, "403 Forbidden: the token's scope is insufficient.", "The application may not do this."
    ),
    ErrorKind(9005, 403, "403 Forbidden: wrong scope or state.", "The application may not do this."),
    ErrorKind(9006, 400, "The request has a bad argument.", "The application sent a bad request."),
    ErrorKind(
        9007,
        409,
        "301 Moved Permanently: ${deprecated_orcid} was merged. Please refer to account: ${orcid}.",
        "This record was merged. Please refer to account: ${orcid}.",
    ),
    ErrorKind(9008, 500, "Unexpected error in the registry.", "Something went wrong in ORCID."),
    ErrorKind(
        9009,
        403,
        "403 Forbidden: the notification was read already and cannot be archived.",
        "The application tried to archive a notification that was read.",
    ),
    ErrorKind(
        9010,
        403,
        "403 Forbidden: you are not the source of the ${activity} and may not change it.",
        "The application is not the source of the item.",
    ),
    ErrorKind(9011, 404, "404 Not Found: no such record or item.", "The resource was not found."),
    ErrorKind(9012, 400, "Bad request.", "The application made a bad request."),
    ErrorKind(
        9013,
        403,
        "403 Forbidden: the item is private and you are not its source.",
        "The application may not do this.",
    ),
    ErrorKind(9014, 403, "403 Forbidden: you may not do this.", "The application may not do this."),
    ErrorKind(
        9015,
        401,
        "One of the provided scopes is not allowed.",
        "The application asked for a permission that does not exist.",
    ),
    ErrorKind(9016, 404, "404 Not Found: the resource was not found.", "The resource was not found."),
    ErrorKind(
        9017,
        401,
        "401 Unauthorized: the token is not valid for this ORCID record.",
        "The application is not authorized.",
    ),
    ErrorKind(9018, 409, "409 Conflict: the ORCID record ${orcid} is locked.", "The ORCID record is locked."),
    ErrorKind(
        9019,
        400,
        "400 Bad Request: the put-code in the URL is ${urlPutCode}, the one in the body is ${bodyPutCode}.",
        "The record could not be updated. Please contact ${clientName}.",
    ),
    ErrorKind(9020, 400, "400 Bad Request: invalid message.", "Invalid message."),
    ErrorKind(
        9021,
        409,
        "409 Conflict: you have already added this activity (equal external identifiers), please see element with "
        "put-code ${putCode}. To change it use PUT instead of POST.",
        "The record could not be updated. Please contact ${clientName}.",
    ),
    ErrorKind(9022, 400, "400 Bad Request: a title is required.", "Invalid activity: a title is required."),
    ErrorKind(
        9023,
        400,
        "400 Bad Request: an external identifier is missing or invalid.",
        "Invalid activity: an external identifier is required.",
    ),
    ErrorKind(
        9024,
        400,
        "400 Bad Request: a new activity must not carry a put-code.",
        "The record could not be updated. Please contact ${clientName}.",
    ),
    ErrorKind(
        9025, 409, "409 Conflict: the group-id-record exists already.", "The group-id-record exists already."
    ),
    ErrorKind(
        9026,
        400,
        "400 Bad Request: the group does not exist; create it first.",
        "The group-id-record does not exist.",
    ),
    ErrorKind(9027, 404, "No API client with id ${client}.", "The resource was not found."),
    ErrorKind(9028, 404, "No webhook for orcid=${orcid} and uri=${uri}.", "The resource was not found."),
    ErrorKind(
        9029, 404, "404 Not Found: no notification ${id} for ORCID ${orcid}.", "The resource was not found."
    ),
    ErrorKind(
        9030,
        409,
        "409 Conflict: the element '${value}' of type '${type}' exists already.",
        "The element '${value}' of type '${type}' exists already.",
    ),
    ErrorKind(
        9031,
        409,
        "A put-code is required to update an element.",
        "The record could not be updated. Please contact ${clientName}.",
    ),
    ErrorKind(
        9032,
        409,
        "409 Conflict: the user does not accept notifications.",
        "The user ${orcid} does not accept notifications.",
    ),
    ErrorKind(9033, 400, "The other name does not exist.", "The other name does not exist."),
    ErrorKind(
        9034,
        400,
        "400 Bad Request: the put-code is not valid.",
        "The record could not be updated. Please contact ${clientName}.",
    ),
    ErrorKind(
        9035,
        403,
        "403 Forbidden: the visibility belongs to the user; leave it out or send its current value.",
        "The record could not be updated. Please contact ${clientName}.",
    ),
    ErrorKind(
        9036, 409, "409 Conflict: the record has not been claimed.", "This record has not been claimed."
    ),
    ErrorKind(
        9037, 400, "Invalid ${type}, valid values are: ${values}.", "A value is missing or not in its list."
    ),
    ErrorKind(
        9038,
        403,
        "409 Conflict: the token lacks the scope that this request needs.",
        "You do not have the permission to do this.",
    ),
    ErrorKind(
        9039,
        403,
        "403 Forbidden: the item is not public; the Public API cannot show it.",
        "The application may not do this.",
    ),
    ErrorKind(9040, 409, "409 Conflict: the item cannot be deleted.", "The item cannot be deleted."),
    ErrorKind(9041, 404, "404 Not Found: the record has no biography.", "The record has no biography."),
    ErrorKind(9042, 400, "400 Bad Request: too many put-codes.", "Too many put-codes."),
    ErrorKind(
        9043,
        400,
        "400 Bad Request: without credentials start is an integer from 0 to 10,000.",
        "Without credentials start is an integer from 0 to 10,000.",
    ),
    ErrorKind(
        9044,
        409,
        "409 Conflict: the ORCID record ${orcid} is deactivated.",
        "The ORCID record is deactivated.",
    ),
    ErrorKind(
        9045,
        400,
        "400 Bad Request: a disambiguated-organization must be present and known.",
        "No valid disambiguated-organization in the data.",
    ),
    ErrorKind(
        9046,
        400,
        "400 Bad Request: an organization must be present and valid.",
        "No valid organization in the data.",
    ),
    ErrorKind(9047, 400, "400 Bad Request: invalid JSON - ${error}", "Invalid JSON."),
    ErrorKind(
        9048,
        409,
        "409 Conflict: a record holds at most ${limit} works.",
        "The record would hold more than ${limit} works. Please remove some.",
    ),
    ErrorKind(9049, 400, "400 Bad Request: invalid date: ${dateString}", "Invalid date."),
    ErrorKind(
        9050, 400, "400 Bad Request: an end-date needs a start-date.", "An end date needs a start date."
    ),
    ErrorKind(
        9051, 400, "400 Bad Request: '${value}' is not a value of '${enum}'.", "A value is not in its list."
    ),
    ErrorKind(
        9052,
        403,
        "403 Forbidden: the token is valid for API v3.0 only.",
        "The token is valid for API v3.0 only.",
    ),
    ErrorKind(9053, 400, "400 Bad Request: invalid ISSN.", "This is not a valid ISSN."),
    ErrorKind(9054, 400, "400 Bad Request: invalid amount.", "This is not a valid amount."),
    ErrorKind(
        9055,
        400,
        "400 Bad Request: the end date is before the start date.",
        "The end date is before the start date.",
    ),
    ErrorKind(
        9056,
        308,
        "This release candidate is retired; use the stable version.",
        "This release candidate is retired.",
    ),
    ErrorKind(9057, 409, "409 Conflict: the API client is locked.", "The application is locked."),
    ErrorKind(
        9058,
        400,
        "400 Bad Request: invalid contributor role ${role}. Expected one of ${validRoles}.",
        "Invalid contributor role.",
    ),
    ErrorKind(
        9059,
        308,
        "This release candidate is retired; use the stable version.",
        "This release candidate is retired.",
    ),
    ErrorKind(
        9060,
        400,
        "400 Bad Request: education and employment need the organization's city and country.",
        "City and country are required.",
    ),
    ErrorKind(
        9061, 400, "400 Bad Request: a city or region needs a country.", "A city or region needs a country."
    ),
    ErrorKind(
        9062,
        400,
        "400 Bad Request: an organization id or an external id is required.",
        "An organization id or an external id is required.",
    ),
)
KINDS: Mapping[int, ErrorKind] = {kind.code: kind for kind in _KINDS}

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass
class ApiError(Exception):
    """A refusal with one of the registry's codes."""

    code: int
    status: int
    detail: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    verbatim: dict[str, Any] | None = None
    """An error object that a client sent and that goes back as it is."""

    def body(self) -> dict[str, Any]:
        """The error object, keys in the registry's order."""
        if self.verbatim is not None:
            return self.verbatim
        kind = KINDS[self.code]
        developer = _fill(kind.developer, self.params)
        if self.detail:
            developer = f"{developer} Full validation error: {self.detail}"
        return {
            "response-code": self.status,
            "developer-message": developer,
            "user-message": _fill(kind.user, self.params),
            "error-code": self.code,
            "more-info": MORE_INFO,
        }


def refusal(
    code: int,
    detail: str = "",
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    **params: Any,
) -> ApiError:
    """An `ApiError` with the code's usual status unless another is given."""
    return ApiError(code, status or KINDS[code].status, detail, params, headers or {})


@dataclass
class OAuthError(Exception):
    """A refusal in the shape of OAuth: `{"error", "error_description"}`."""

    status: int
    error: str
    description: str

    def body(self) -> dict[str, str]:
        """The JSON object."""
        return {"error": self.error, "error_description": self.description}


class ControlRefusal(Exception):
    """A call of the control API that cannot be followed; the text says why."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def _fill(template: str, params: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(params[found[1]]) if found[1] in params else found[0], template)
