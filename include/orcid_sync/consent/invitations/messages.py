"""What an invitation says: a template of its language, as plain text and as HTML made from the same words.

A folder of the institution's own may replace any template: `LANGUAGE/invitation.txt` and `LANGUAGE/reminder.txt`, the
first line the subject. Names come from the CRIS and are put in as text, never as markup or as a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

from orcid_sync.consent.portal.rendering import LANGUAGES
from orcid_sync.errors import Misconfigured
from orcid_sync.secret import Secret

_BUILT_IN: Final = resources.files("orcid_sync.consent.invitations") / "templates"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_LINK: Final = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Words:
    """A template that was read: subject and body with `$name`, `$institution`, `$unit`, `$link`, `$opt_out`, `$until`."""

    language: str
    subject: Template
    body: Template


@dataclass(frozen=True)
class Invitee:
    """Whom a message is for, and the links that are theirs alone."""

    message_id: int
    name: str = field(repr=False)
    email: str = field(repr=False)
    link: Secret
    opt_out: Secret


def load_words(language: str, kind: str, folder: Path | None = None) -> Words:
    """The template `kind` (invitation, reminder) of a language. Raises Misconfigured naming file and place."""
    own = folder / language / f"{kind}.txt" if folder else None
    try:
        if own is not None and own.exists():
            text = own.read_text(encoding="utf-8")
        else:
            text = (_BUILT_IN / language / f"{kind}.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Misconfigured(
            f"There is no template for an {kind} in `{language}`",
            why=f"there are {', '.join(LANGUAGES)}, and those of ORCID_SYNC_INVITATION_TEMPLATES",
            remedy=f"Choose one of them, or add {language}/{kind}.txt there",
        ) from None
    subject, _, body = text.partition("\n")
    words = Words(language, Template(subject.strip()), Template(body.strip() + "\n"))
    _check(words, kind)
    return words


def _check(words: Words, kind: str) -> None:
    known = {"name", "institution", "unit", "link", "opt_out", "until"}
    used = set(words.subject.get_identifiers()) | set(words.body.get_identifiers())
    missing = {"link", "opt_out"} - set(words.body.get_identifiers())
    if used - known or missing or not (words.subject.is_valid() and words.body.is_valid()):
        what = ", ".join(f"${name}" for name in sorted(used - known or missing)) or "a $ that begins no name"
        raise Misconfigured(
            f"The template for an {kind} in `{words.language}` can't be used",
            why=f"{'it knows no' if used - known else 'it needs'} {what}",
            remedy="Use $name, $institution, $unit, $until, and $link and $opt_out at least once",
        )


def email(
    words: Words, to: Invitee, *, sender: str, institution: str, unit: str, until: str, domain: str
) -> EmailMessage:
    """The message as it goes over the wire."""
    text = _filled(words, to, institution, unit, until)
    made = EmailMessage()
    made["Subject"] = one_line(words.subject.safe_substitute(_values(to, institution, unit, until)))
    made["From"] = sender
    made["To"] = Address(display_name=one_line(to.name)[:100], addr_spec=to.email)
    # The same for the same message whenever it is built: a second copy could be told.
    made["Message-ID"] = f"<invitation-{to.message_id}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    # Mail programs show a button for it, and ask by POST, so that nothing which only looks at links opts anybody out.
    made["List-Unsubscribe"] = f"<{to.opt_out.reveal()}>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made["Content-Language"] = words.language
    made.set_content(text)
    made.add_alternative(_html(text, words.language), subtype="html")
    return made


def notification(
    words: Words, *, name: str, institution: str, unit: str, until: str, link: Secret
) -> dict[str, Any]:
    """The same as a notification in the ORCID inbox, which asks for a permission and leads to the link."""
    values = {
        "name": name,
        "institution": institution,
        "unit": unit,
        "until": until,
        "link": "",
        "opt_out": "",
    }
    subject = one_line(words.subject.safe_substitute(values))
    return {
        "notification-type": "permission",
        "authorization-url": {"uri": link.reveal()},
        "notification-subject": subject,
        "notification-intro": subject[:1000],
        "items": {"item": [{"item-type": "work", "item-name": one_line(institution)[:1000]}]},
    }


def one_line(text: str) -> str:
    """Without line breaks and control characters, so that it can stand in a header."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _values(to: Invitee, institution: str, unit: str, until: str) -> Mapping[str, str]:
    return {
        "name": one_line(to.name),
        "institution": one_line(institution),
        "unit": one_line(unit),
        "until": until,
        "link": to.link.reveal(),
        "opt_out": to.opt_out.reveal(),
    }


def _filled(words: Words, to: Invitee, institution: str, unit: str, until: str) -> str:
    return words.body.safe_substitute(_values(to, institution, unit, until))


def _html(text: str, language: str) -> str:
    paragraphs = (
        "<p>"
        + _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(part)).replace("\n", "<br>")
        + "</p>"
        for part in re.split(r"\n{2,}", text.strip())
    )
    return f'<!doctype html><html lang="{escape(language)}"><body>{"".join(paragraphs)}</body></html>'
