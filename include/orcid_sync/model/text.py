"""Titles, names and abstracts as plain text: what markup meant, without the markup.

Most texts carry nothing to resolve and leave by the fast path, one regular expression. The rest is resolved in
the order in which it was wrapped: control characters, entities (until none is left, they come escaped twice),
MathML, tags, LaTeX. Only *known* tags are tags: a literal `<` meaning less-than, or the `<1::AID>` inside an
old DOI, stays text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

from orcid_sync.model.latex import has_latex, latex_to_text, math_to_text
from orcid_sync.model.mathml import mathml_to_text
from orcid_sync.model.scripts import subscript, superscript

_MAX_PASSES = 6

_SUSPICIOUS: Final = re.compile(
    r"[<>&$\\{}\x00-\x1f\x7f-\xa0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufdd0-\ufdef\ufeff"
    r"\ufff0-\uffff\ud800-\udfff]|  |^ | $|_x00"
)
_BREAKS: Final = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]|_x00(?:0[9aAdD]|[aA]0)_")
_DELETED: Final = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff"
    r"\ufff0-\ufffb\ufffe\uffff\ud800-\udfff]"
)
# Joiners are letters' business in Persian, Indic scripts and emoji, and dirt between Latin letters.
_STRAY_JOINER: Final = re.compile(r"[\u200c\u200d](?=[\x00-\u024f]|$)|(?:(?<=[\x00-\u024f])|^)[\u200c\u200d]")
_BLANKS: Final = re.compile(r"\s+")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_INLINE: Final = (
    "a|abbr|b|bdi|bdo|big|bold|cite|code|del|dfn|em|email|ext-link|fixed-case|font|i|ins|italic|kbd|mark|monospace|named-content"
    "|overline|roman|s|samp|sans-serif|sc|scp|script|small|smallcaps|span|strike|strong|styled-content|sub|sup|tt|u"
    "|underline|uri|var|xref|inline-formula|disp-formula|alternatives|tex-math|inline-graphic|graphic|object-id|label"
    "|math|mrow|mi|mn|mo|mtext|mspace|mstyle|msub|msup|msubsup|mfrac|msqrt|mroot|mover|munder|munderover|mfenced|semantics"
    "|annotation|mtable|mtr|mtd|mpadded|mphantom|menclose|mmultiscripts|mprescripts|none|maligngroup|malignmark|merror"
)
_BLOCK: Final = (
    "abstract|article-title|blockquote|body|br|break|caption|center|dd|disp-quote|div|dl|dt|fn|h[1-6]|head|hr|html|img|kwd|kwd-group"
    "|li|list|list-item|ol|p|pre|sec|section|subtitle|table|tbody|td|th|title|tr|ul"
)
_ATTRIBUTES: Final = r"(?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+))*"
_TAG: Final = re.compile(
    rf"<(?P<close>/?)(?:[A-Za-z]{{1,6}}:)?(?:(?P<inline>{_INLINE})|(?P<block>{_BLOCK})){_ATTRIBUTES}\s*(?P<void>/?)>",
    re.IGNORECASE,
)
_FOREIGN_TAG: Final = re.compile(rf"</?(?:jats|mml|ce|sb):[A-Za-z][\w-]*{_ATTRIBUTES}\s*/?>")
# A formula's TeX source followed by its MathML with the tags already lost, one letter a line, indented deeper.
_FLATTENED_COPY: Final = re.compile(
    r"^([ \t]{4,})(\$\$[^$]+\$\$)(?:[ \t]*\n\1[ \t]+\S{1,12}(?=[ \t]*$))+", re.MULTILINE
)
_COMMENT: Final = re.compile(r"<!--.*?-->|<\?[A-Za-z].*?\?>|<!DOCTYPE[^>]*>", re.IGNORECASE | re.DOTALL)
_CDATA: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_INVISIBLE_ELEMENT: Final = re.compile(
    r"<(script|style)\b[^>]*>.*?</\1\s*>|<((?:mml:|m:)?annotation(?:-xml)?)\b[^>]*>.*?</\2\s*>",
    re.IGNORECASE | re.DOTALL,
)
_MATHML: Final = re.compile(r"<((?:[a-z]{1,6}:)?math)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TEX_MATH: Final = re.compile(r"<((?:[a-z]{1,6}:)?tex-math)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_ALTERNATIVES: Final = re.compile(
    r"<((?:[a-z]{1,6}:)?alternatives)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL
)
_HEADING: Final = re.compile(
    r"^\s*<((?:jats:)?title)\s*>\s*(?:abstract|summary)[.:]?\s*</\1\s*>", re.IGNORECASE
)
_TORN_TAG: Final = re.compile(r"<(?:/(?:[A-Za-z]{1,6}:)?[A-Za-z-]*|(?:mml|jats|m):[^<>]*)$")
_ITALIC: Final = r"(?:[a-z]{1,6}:)?(?:i|em|italic)"
# Publishers' conversions lose the blanks around italics and formulas: "between<i>Chlamydia</i>Infection".
_GLUED_BEFORE: Final = re.compile(
    rf"(?<=[a-z][a-z])(<{_ITALIC}\s*>)(?=[A-Za-z](?:[a-z]{{3}}|\. ?[a-z]{{2}}))"
)
_GLUED_AFTER: Final = re.compile(rf"(?<=[a-z]{{4}})(</{_ITALIC}\s*>)(?=[A-Za-z][a-z])")
_GLUED_TO_SCRIPT: Final = re.compile(r"(</(?:[a-z]{1,6}:)?su[bp]\s*>)(?=[a-z]{2,}\b)(?!th\b|nd\b|st\b|rd\b)")
_SCRIPT: Final = re.compile(
    rf"<((?:[a-z]{{1,6}}:)?(?P<kind>su[bp])){_ATTRIBUTES}\s*>(?P<body>(?:(?!</?(?:[a-z]{{1,6}}:)?su[bp]\b).)*?)</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)

_ELLIPSIS: Final = "\u2026"


def plain_text(markup: str) -> str:
    """`markup` without HTML, JATS, MathML, LaTeX, entities and control characters; NFC, blanks folded.

    Never raises. Text that only looks like markup (`a<b and c>d`, `$5 and $10`) survives.
    """
    if not _SUSPICIOUS.search(markup):
        return markup if markup.isascii() else unicodedata.normalize("NFC", markup)
    text = markup
    for _ in range(_MAX_PASSES):
        resolved = _resolve(text)
        if resolved == text or not _SUSPICIOUS.search(resolved):
            return resolved
        text = resolved
    return text


def without_controls(text: str) -> str:
    """`text` without the characters that XML has no place for and those that nobody sees; line breaks stay."""
    return _DELETED.sub("", text)


def truncate(text: str, limit: int) -> str:
    """`text`, or its beginning on a word with an ellipsis, in at most `limit` UTF-16 code units.

    The registry counts as Java does: a character outside the basic plane is two.
    """
    if len(text) * 2 <= limit or utf16_length(text) <= limit:
        return text
    if limit < 1:
        return ""
    head = _utf16_prefix(text, limit - 1)
    on_a_word = head
    if len(head) < len(text) and not text[len(head)].isspace():
        on_a_word = head[: head.rfind(" ")] if " " in head else head
    if len(on_a_word) < len(head) // 2:
        on_a_word = head
    return on_a_word.rstrip(" ,;:.-\u2013\u2014(") + _ELLIPSIS


def utf16_length(text: str) -> int:
    """Length as the registry counts it, in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _utf16_prefix(text: str, units: int) -> str:
    """The longest beginning of at most `units` code units that splits no character and no accent off its letter."""
    used = 0
    end = 0
    for end, character in enumerate(text):  # noqa: B007
        used += 2 if ord(character) > 0xFFFF else 1
        if used > units:
            break
    else:
        return text
    while end and unicodedata.combining(text[end]):
        end -= 1
    return text[:end]


def _resolve(text: str) -> str:
    if "$$" in text:
        text = _FLATTENED_COPY.sub(r"\1\2", text)
    text = _DELETED.sub("", _BREAKS.sub(" ", text))
    if "&" in text:
        text = _unescaped(text)
    if "<" in text:
        text = _without_tags(text)
    if has_latex(text):
        text = latex_to_text(text)
    text = _STRAY_JOINER.sub("", _DELETED.sub("", unicodedata.normalize("NFC", text)))
    return _BLANKS.sub(" ", text).strip()


def _unescaped(text: str) -> str:
    for _ in range(_MAX_PASSES):
        shorter = _ENTITY.sub(lambda entity: html.unescape(entity.group()), text)
        if shorter == text:
            break
        text = shorter
    return text


def _without_tags(text: str) -> str:
    text = _HEADING.sub("", _TORN_TAG.sub("", text))
    text = _COMMENT.sub(" ", _CDATA.sub(r"\1", text))
    if "math" in text or "MATH" in text:
        text = _ALTERNATIVES.sub(_one_alternative, text)
        text = _MATHML.sub(lambda island: _set_apart(island, mathml_to_text(island.group())), text)
        text = _TEX_MATH.sub(lambda island: _set_apart(island, math_to_text(island.group(2))), text)
    text = _INVISIBLE_ELEMENT.sub(" ", text)
    text = _GLUED_AFTER.sub(r"\1 ", _GLUED_BEFORE.sub(r" \1", text))
    text = _GLUED_TO_SCRIPT.sub(r"\1 ", text)
    while (inner := _SCRIPT.sub(_raised_or_lowered, text)) != text:
        text = inner
    return _FOREIGN_TAG.sub("", _TAG.sub(_tag_as_text, text))


def _set_apart(island: re.Match[str], formula: str) -> str:
    """The formula with a blank towards a word that it was glued to in the source."""
    text, start, end = island.string, island.start(), island.end()
    before = (
        " " if re.fullmatch("[a-z]{2}", text[max(start - 2, 0) : start]) and formula[:1].isalnum() else ""
    )
    after = " " if re.fullmatch("[a-z]{2}", text[end : end + 2]) else ""
    return before + formula + after


def _one_alternative(alternatives: re.Match[str]) -> str:
    """A formula given twice counts once; MathML says more than TeX source."""
    body = alternatives.group(2)
    return _TEX_MATH.sub("", body) if _MATHML.search(body) else body


def _raised_or_lowered(script: re.Match[str]) -> str:
    body = _TAG.sub("", script.group("body"))
    return superscript(body) if script.group("kind").lower() == "sup" else subscript(body)


def _tag_as_text(tag: re.Match[str]) -> str:
    if tag.group("block"):
        return tag.group() if _is_comparison(tag) else " "
    return tag.group() if _is_comparison(tag) else ""


def _is_comparison(tag: re.Match[str]) -> bool:
    """Whether `<b>` and the like are rather "less than b, greater than": glued to what precedes, and never closed."""
    name = tag.group("inline") or tag.group("block")
    if tag.group("close") or tag.group("void") or len(name) > 1 or ":" in tag.group() or not tag.start():
        return False
    text = tag.string
    if re.search(rf"</\s*{name}\s*>", text[tag.end() :], re.IGNORECASE):
        return False
    before = text[tag.start() - 1] if tag.start() else " "
    after = text[tag.end()] if tag.end() < len(text) else ""
    return before not in " (\"'>" or after == " "
