"""What a unit's system may ask of the Member API: a closed grammar of endpoints, against the unit's list.

An address is taken apart and put together anew; nothing of what the caller wrote goes into the call but numbers
and names from our own lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from orcid_sync.errors import SyncError
from orcid_sync.ledger.units_file import Broker
from orcid_sync.model.sections import ACTIVITIES, Section
from orcid_sync.orcid.calls import Call, Target

Method = Literal["GET", "POST", "PUT", "DELETE"]
_PLURALS: Final = {section.plural: section for section in ACTIVITIES.values()}
LARGEST_PUT_CODE: Final = 2**63 - 1


class NotAllowed(SyncError):
    """The unit's policy has no such call."""

    kind: ClassVar[str] = "not_allowed"
    default_remedy: ClassVar[str] = "Ask those who keep the units file for `broker: calls:` of your unit"


@dataclass(frozen=True)
class BrokerCall:
    """One call that the grammar knows. `endpoint` is as the policy names it: `activities`, `works`, `employment`."""

    method: Method
    endpoint: str
    section: Section | None = None
    put_code: int | None = None

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def bulk(self) -> bool:
        """Whether it adds several items at once."""
        return self.method == "POST" and self.endpoint in _PLURALS

    @property
    def scope(self) -> str:
        """What a permission must hold for it."""
        if self.section is None:
            return "/read-limited"
        return self.section.write_scope if self.writes else self.section.read_scope

    def path(self, orcid: str) -> str:
        """The address behind the version."""
        tail = f"/{self.put_code}" if self.put_code is not None else ""
        return f"/{orcid}/{self.endpoint}{tail}"

    def call(self, orcid: str, items: int) -> Call:
        """As the client's observer and its table of errors see it."""
        tail = "/{put_code}" if self.put_code is not None else ""
        target = Target.ITEM if self.put_code is not None else Target.RECORD
        return Call(self.method, f"/{{orcid}}/{self.endpoint}{tail}", target, orcid, items)


def broker_call(method: Method, endpoint: str, put_code: int | None, policy: Broker) -> BrokerCall:
    """The call, if the unit may make it. Raises NotAllowed, the same for unknown and for forbidden ones."""
    section = ACTIVITIES.get(endpoint) or _PLURALS.get(endpoint)
    single = endpoint in ACTIVITIES
    needs_put_code = single and method != "POST"
    known = section is not None or (endpoint in ("activities", "record") and method == "GET")
    if endpoint in _PLURALS and method != "GET":
        known = method == "POST" and _PLURALS[endpoint].bulk > 1
    fits = (put_code is not None) == needs_put_code and (put_code or 1) <= LARGEST_PUT_CODE
    if not (known and fits and f"{method} {endpoint}" in policy.calls):
        raise NotAllowed("This call can't be made", why="your unit has no such call in its policy")
    return BrokerCall(method, endpoint, section, put_code)


def contents(call: BrokerCall, body: Any) -> list[dict[str, Any]] | None:
    """The items in a body that adds or replaces some; None where it has not the shape that the endpoint takes."""
    if not isinstance(body, dict):
        return None
    if not call.bulk:
        return [body]
    elements = body.get("bulk")
    if not isinstance(elements, list) or call.section is None or not 0 < len(elements) <= call.section.bulk:
        return None
    inner = [element.get(call.section.name) for element in elements if isinstance(element, dict)]
    items = [item for item in inner if isinstance(item, dict)]
    return items if len(items) == len(elements) else None


def outgoing(call: BrokerCall, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The body as it is sent: without visibility, which is the researcher's, and with the put code of the address."""
    clean = [
        {key: value for key, value in item.items() if key not in ("visibility", "put-code")} for item in items
    ]
    if call.bulk:
        assert call.section is not None
        return {"bulk": [{call.section.name: item} for item in clean]}
    return clean[0] if call.put_code is None else {**clean[0], "put-code": call.put_code}
