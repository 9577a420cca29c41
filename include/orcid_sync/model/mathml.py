"""MathML islands as one line of text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lxml import etree

from orcid_sync.model.scripts import subscript, superscript

_PREFIXES: Final = re.compile(r"(</?)[A-Za-z][\w.-]*:(?=[A-Za-z])")
_ATTRIBUTE_PREFIXES: Final = re.compile(r"(\s)[A-Za-z][\w.-]*:[\w.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_NAMESPACES: Final = re.compile(r"\sxmlns(?::[\w.-]+)?\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_BARE_AMPERSAND: Final = re.compile(r"&(?!(?:#[0-9]+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
_TAGS: Final = re.compile(r"<[^<>]*>")
_INVISIBLE_OPERATORS: Final = "\u2061\u2062\u2063\u2064"
_SPACED: Final = frozenset(
    "=<>\u2264\u2265\u2248\u2243\u223c\u2192\u2190\u2194\u2208\u2260\u00d7\u00b1\u2261\u226a\u226b"
)
_ACCENTS: Final = {
    "\u00af": "\u0304",
    "\u02c9": "\u0304",
    "\u203e": "\u0304",
    "_": "\u0332",
    "^": "\u0302",
    "\u02c6": "\u0302",
    "~": "\u0303",
    "\u02dc": "\u0303",
    "\u2192": "\u20d7",
    "\u02d9": "\u0307",
    "\u00a8": "\u0308",
}
_DROPPED: Final = frozenset({"annotation", "annotation-xml", "mphantom", "none", "mprescripts"})


def mathml_to_text(markup: str) -> str:
    """The formula in `markup` (one `math` element, any prefix) read along the line; its letters if it is broken."""
    bare = _NAMESPACES.sub("", _PREFIXES.sub(r"\1", markup))
    bare = _BARE_AMPERSAND.sub("&amp;", _ATTRIBUTE_PREFIXES.sub(r"\1", bare))
    parser = etree.XMLParser(recover=True, no_network=True, resolve_entities=False, huge_tree=False)
    try:
        root = etree.fromstring(bare.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        return _TAGS.sub("", markup)
    return re.sub(r"\s+", " ", _read(root)).strip()


def _read(element: etree._Element) -> str:
    name = str(element.tag).lower() if isinstance(element.tag, str) else ""
    if name in _DROPPED or not name:
        return ""
    if name == "mmultiscripts" and len(element):
        return _multiscripts(element)
    parts = [_read(child) for child in element]
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        return _token(name, "".join(str(text) for text in element.itertext()))
    reader = _READERS.get(name)
    if reader is not None and len(parts) >= reader[0]:
        return reader[1](parts)
    if name == "mspace":
        return " "
    if name == "mfenced":
        opening, closing = element.get("open", "("), element.get("close", ")")
        separator = (element.get("separators", ",").strip() or "")[:1]
        return opening + separator.join(parts) + closing
    own = (element.text or "").strip()
    joiner = " " if name in ("mtr", "mtable") else ""
    return own + joiner.join(parts) + "".join((child.tail or "").strip() for child in element)


def _token(name: str, text: str) -> str:
    if name == "mtext":
        return re.sub(r"[\s\u00a0]+", " ", text)
    text = text.strip().translate({ord(operator): None for operator in _INVISIBLE_OPERATORS})
    return f" {text} " if name == "mo" and text in _SPACED else text


def _script(base: str, raised: str = "", lowered: str = "") -> str:
    return (
        base
        + (subscript(lowered) if lowered.strip() else "")
        + (superscript(raised) if raised.strip() else "")
    )


def _grouped(text: str) -> str:
    text = text.strip()
    return text if len(text) < 2 or re.fullmatch(r"[\w.]+", text) else f"({text})"


def _over(parts: list[str]) -> str:
    accent = _ACCENTS.get(parts[1].strip())
    return parts[0] + accent if accent and len(parts[0].strip()) == 1 else _script(parts[0], parts[1])


def _root(parts: list[str]) -> str:
    return superscript(parts[1]) + "\u221a" + _grouped(parts[0])


def _multiscripts(element: etree._Element) -> str:
    """Base with its scripts; those after `mprescripts` (the mass number of an isotope) stand before the base."""
    base, *scripts = element
    before, after = "", ""
    prescripts, lowered = False, True
    for script in scripts:
        if script.tag == "mprescripts":
            prescripts, lowered = True, True
            continue
        text = _read(script)
        text = (subscript(text) if lowered else superscript(text)) if text.strip() else ""
        lowered = not lowered
        before, after = (before + text, after) if prescripts else (before, after + text)
    return before + _read(base) + after


_READERS: Final[dict[str, tuple[int, Callable[[list[str]], str]]]] = {
    "msup": (2, lambda parts: _script(parts[0], raised=parts[1])),
    "msub": (2, lambda parts: _script(parts[0], lowered=parts[1])),
    "msubsup": (3, lambda parts: _script(parts[0], raised=parts[2], lowered=parts[1])),
    "mfrac": (2, lambda parts: f"{_grouped(parts[0])}/{_grouped(parts[1])}"),
    "msqrt": (1, lambda parts: "\u221a" + _grouped("".join(parts))),
    "mroot": (2, _root),
    "mover": (2, _over),
    "munder": (2, lambda parts: _script(parts[0], lowered=parts[1])),
    "munderover": (3, lambda parts: _script(parts[0], raised=parts[2], lowered=parts[1])),
}
