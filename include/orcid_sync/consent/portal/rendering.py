"""Pages and texts in the visitor's language: Jinja templates, gettext catalogues that are compiled when they are loaded."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.core import negotiate_locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import Environment, PackageLoader, StrictUndefined

LANGUAGES: Final = {"en": "English", "de": "Deutsch", "fr": "Français"}
_TAG: Final = re.compile(r"<[^>]*>")
_PACKAGE: Final = "orcid_sync.consent.portal"


@cache
def translations(language: str) -> Translations:
    """The catalogue of a language; English is what the templates say."""
    if language == "en":
        return Translations()
    text = files(_PACKAGE).joinpath("locales", f"{language}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale=language))
    compiled.seek(0)
    return Translations(compiled)


def translate(language: str, message: str, **values: object) -> str:
    """One message in a language, filled in; for texts that are no page."""
    found = translations(language).ugettext(message) if language != "en" else message
    return found % values if values else found


def is_known(message: str) -> bool:
    """Whether the catalogues have a message; what they don't have was not written for researchers."""
    return translations("de").ugettext(message) != message


@cache
def environment(language: str) -> Environment:
    """The templates in a language."""
    made = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.globals.update(
        languages=LANGUAGES,
        language=language,
        assets=asset_versions(),
        say=lambda text: translate(language, text),
    )
    return made


def render(name: str, language: str, **values: Any) -> str:
    """A template's text."""
    return environment(language).get_template(name).render(**values)


@cache
def asset(name: str) -> bytes | None:
    """A file of `static`."""
    if name not in ("portal.css", "portal.js"):
        return None
    return files(_PACKAGE).joinpath("static", name).read_bytes()


@cache
def asset_versions() -> dict[str, str]:
    """A short digest of each file, so that browsers may keep them."""
    return {name: hashlib.sha256(asset(name) or b"").hexdigest()[:12] for name in ("portal.css", "portal.js")}


def wording_version(text: str) -> str:
    """What stood before somebody's eyes, in twelve letters: other words have another version."""
    return hashlib.sha256(" ".join(_TAG.sub(" ", text).split()).encode()).hexdigest()[:12]


def language_of(asked: str | None, remembered: str | None, header: str | None) -> str:
    """The language of a visitor: asked for, remembered, or the browser's first that we have."""
    for choice in (asked, remembered):
        if choice in LANGUAGES:
            return str(choice)
    preferred = [part.partition(";")[0].strip().replace("-", "_") for part in (header or "")[:200].split(",")]
    try:
        found = negotiate_locale([one for one in preferred if one], list(LANGUAGES))
    except ValueError:
        found = None
    return (found or "en").partition("_")[0]


def moment(when: dt.datetime, language: str, zone: ZoneInfo) -> str:
    """A day and time as people of that language write it."""
    return str(format_datetime(when.astimezone(zone), "d MMMM y, HH:mm", locale=language))
