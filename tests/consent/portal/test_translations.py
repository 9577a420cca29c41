"""Whatever a researcher can read is in every language, and the catalogues hold nothing else."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract
from orcid_sync.consent import letters
from orcid_sync.consent.portal import refusals, words
from orcid_sync.consent.portal.rendering import LANGUAGES, environment, render
from orcid_sync.errors import Misconfigured, SettingInvalid, SyncError, Transient, Unreachable

OTHERS = [language for language in LANGUAGES if language != "en"]
CONSENT = Path(str(files("orcid_sync.consent")))
# Written for operators; researchers get another page (`refusals.for_people`).
FOR_OPERATORS = (Misconfigured, SettingInvalid, Transient, Unreachable)


def catalogue(language: str) -> Catalog:
    text = (CONSENT / "portal" / "locales" / f"{language}.po").read_bytes()
    return read_po(BytesIO(text), locale=language)


def in_templates() -> Iterator[str]:
    for path in sorted((CONSENT / "portal" / "templates").glob("*.html")):
        with path.open("rb") as file:
            for _line, _function, message, _comments in babel_extract(
                file, ("gettext", "ngettext"), [], {"trimmed": "true", "encoding": "utf-8"}
            ):
                yield message if isinstance(message, str) else message[0]


def in_words() -> Iterator[str]:
    for names in (
        words.GROUPS,
        words.LABELS,
        words.REASONS,
        words.SECTIONS,
        words.PERMISSIONS,
        words.SCOPES,
        words.SAID,
    ):
        yield from names.values()
    for texts in (letters._SUBJECT, letters._BODY, letters._END):
        yield from texts.values()
    yield "Dear %(name)s,"


def in_errors() -> Iterator[str]:
    """What errors for researchers say: the texts with which they are raised, and their classes' remedies."""
    for path in (*sorted(CONSENT.glob("*.py")), *sorted((CONSENT / "portal").glob("*.py"))):
        name = ".".join(["orcid_sync.consent", *path.relative_to(CONSENT).with_suffix("").parts])
        module = importlib.import_module(name.removesuffix(".__init__"))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield from _said(node, getattr(module, node.func.id, None), node.func.id)
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, SyncError) and kind.__module__ == module.__name__:
                yield vars(kind).get("default_remedy", "")


def _said(node: ast.Call, called: Any, name: str) -> Iterator[str]:
    is_error = isinstance(called, type) and issubclass(called, SyncError)
    if not (is_error or name == "_refused") or (is_error and issubclass(called, FOR_OPERATORS)):
        return
    for part in (*node.args[:1], *(one.value for one in node.keywords if one.arg in ("why", "remedy"))):
        yield from (
            one.value
            for one in ast.walk(part)
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        )


def used() -> set[str]:
    # Whoever is not signed in is sent to the first page; nobody reads that.
    return {*in_templates(), *in_words(), *filter(None, in_errors())} - {"Nobody is signed in"}


@pytest.mark.parametrize("language", OTHERS)
def test_everything_is_translated_and_nothing_is_left_over(language: str) -> None:
    found = {(one.id if isinstance(one.id, str) else one.id[0]): one for one in catalogue(language) if one.id}
    assert sorted(used() - found.keys()) == []
    assert sorted(found.keys() - used()) == []
    for message, one in found.items():
        texts = [one.string] if isinstance(one.string, str) else list(one.string)
        assert all(texts), message
        assert not one.fuzzy, message
        for text in texts:
            for place in _places(message):
                assert f"%({place})s" in text, (message, text)


def _places(message: str) -> set[str]:
    return {
        name for _, name, _, _ in Formatter().parse(message.replace("%(", "{").replace(")s", "}")) if name
    }


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (Misconfigured("The vault's keys are wrong", remedy="Set ORCID_SYNC_KEYS"), refusals._OUR_FAULT.what),
        (Transient("The registry did not answer in time"), refusals._NOT_NOW.what),
        (SyncError("Something else"), refusals._OUR_FAULT.what),
    ],
)
def test_what_speaks_to_operators_is_told_to_researchers_as_what_it_means(
    error: SyncError, what: str
) -> None:
    shown = refusals.for_people(error)
    assert shown.what == what
    assert "ORCID_SYNC" not in str(shown)


@pytest.mark.parametrize("language", OTHERS)
def test_templates_compile_in_every_language(language: str) -> None:
    for name in environment(language).list_templates(extensions=["html"]):
        environment(language).get_template(name)


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize(("days", "said"), [("0", False), ("1", True), ("2", True), ("0.5", True)])
def test_the_days_to_object_are_told_where_there_are_any(language: str, days: str, said: bool) -> None:
    text = render(
        "consent.html", language, institution="Example University", scopes=["/read-limited"], days=days
    )
    assert (f" {days} " in text) is said
    assert "%(" not in text
