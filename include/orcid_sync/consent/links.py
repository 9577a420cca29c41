"""Links that are sent to one person for one purpose, expire, and work once.

The address carries the number of a row in the ledger, sealed with the vault's current key (authenticated encryption,
bound to the purpose): it can't be guessed, changed or used for something else, and no key of its own is needed. The row
says whose link it is; the ledger's clock alone says whether it is still in time. What a program that looks
at links in e-mails may open without harm is `read_link`; `use_link` belongs behind a button.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from orcid_sync.errors import SettingInvalid, SyncError, Who
from orcid_sync.ledger.session import Connection
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing, Sealed

Purpose = Literal["connect", "opt_out"]

PATHS: Final[dict[Purpose, str]] = {"connect": "/connect", "opt_out": "/opt-out"}
MAX_WRONG_ANSWERS: Final = 5
_MAX_LENGTH: Final = 200


class LinkRefused(SyncError):
    """A link that leads nowhere."""

    kind: ClassVar[str] = "link_refused"
    default_remedy: ClassVar[str] = "Sign in to the portal, or ask for a new link"
    default_who: ClassVar[Who] = Who.RESEARCHER


class LinkInvalid(LinkRefused):
    """It was cut, changed, made for something else, or its row is gone."""

    kind: ClassVar[str] = "link_invalid"


class LinkExpired(LinkRefused):
    """Its time is over."""

    kind: ClassVar[str] = "link_expired"


class LinkUsed(LinkRefused):
    """It was used, or too many wrong answers were given with it."""

    kind: ClassVar[str] = "link_used"


@dataclass(frozen=True)
class Link:
    """A link that is good now."""

    id: int
    purpose: Purpose
    researcher_id: int
    expires_at: dt.datetime


def make_links(
    connection: Connection,
    keys: KeyRing,
    purpose: Purpose,
    researcher_ids: Sequence[int],
    *,
    valid: dt.timedelta,
) -> dict[int, Secret]:
    """A new link for each of these researchers, by researcher: what stands behind `address(...)`. One statement."""
    rows = connection.execute(
        "INSERT INTO link (purpose, researcher_id, expires_at) "
        "SELECT %s, id, now() + %s FROM unnest(%s::bigint[]) AS id RETURNING id, researcher_id",
        (purpose, valid, list(dict.fromkeys(researcher_ids))),
    ).fetchall()
    return {row.researcher_id: sealed_link(keys, purpose, row.id) for row in rows}


def sealed_link(keys: KeyRing, purpose: Purpose, link_id: int) -> Secret:
    """What the address of a link carries. Made anew it looks different and means the same."""
    sealed = keys.encrypt(Secret(str(link_id)), _context(purpose))
    text = base64.urlsafe_b64encode(sealed.data).rstrip(b"=").decode()
    return Secret(f"{sealed.key_id}.{text}")


def address(portal_url: str, purpose: Purpose, sealed: Secret) -> Secret:
    """The whole address, to be sent to its one person and written nowhere else."""
    return Secret(f"{portal_url.rstrip('/')}{PATHS[purpose]}/{sealed.reveal()}")


def read_link(connection: Connection, keys: KeyRing, purpose: Purpose, sealed: str) -> Link:
    """The link, unused. Raises LinkInvalid, LinkExpired, LinkUsed; none of them tells whose it is."""
    row = connection.execute(
        "SELECT id, researcher_id, expires_at, expires_at <= now() AS expired, "
        "used_at IS NOT NULL OR wrong_answers >= %s AS used FROM link WHERE id = %s AND purpose = %s",
        (MAX_WRONG_ANSWERS, _opened(keys, purpose, sealed), purpose),
    ).fetchone()
    if row is None:
        raise _invalid()
    if row.used:
        raise LinkUsed("This link was used before", why="each link works once")
    if row.expired:
        raise LinkExpired("This link is too old", why="links work for a limited time")
    return Link(row.id, purpose, row.researcher_id, row.expires_at)


def use_link(connection: Connection, link: Link) -> None:
    """Use it up. Raises LinkUsed where somebody was faster: of two at the same time one wins."""
    used = connection.execute(
        "UPDATE link SET used_at = now() WHERE id = %s AND used_at IS NULL AND wrong_answers < %s",
        (link.id, MAX_WRONG_ANSWERS),
    )
    if not used.rowcount:
        raise LinkUsed("This link was used before", why="each link works once")


def wrong_answer(connection: Connection, link: Link) -> int:
    """Somebody with this link could not say whose it is; returns how many tries are left."""
    row = connection.execute(
        "UPDATE link SET wrong_answers = wrong_answers + 1 WHERE id = %s RETURNING wrong_answers", (link.id,)
    ).fetchone()
    return max(0, MAX_WRONG_ANSWERS - row.wrong_answers) if row else 0


def _opened(keys: KeyRing, purpose: Purpose, sealed: str) -> int:
    # A key id may hold dots itself.
    key_id, _, text = sealed.rpartition(".")
    if len(sealed) > _MAX_LENGTH:
        raise _invalid()
    try:
        # A key that this process has not met yet is looked for: others may have been given a new one, and use it already.
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return int(keys.decrypt(Sealed(key_id, data), _context(purpose)).reveal())
    except (binascii.Error, ValueError, SettingInvalid):
        # Whether it was cut, forged or made for something else is nobody's business.
        raise _invalid() from None


def _context(purpose: Purpose) -> str:
    return f"link\x1f{purpose}"


def _invalid() -> LinkInvalid:
    return LinkInvalid("This link leads nowhere", why="it was cut on its way, or it isn't one of ours")
