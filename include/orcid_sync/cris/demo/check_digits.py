"""Well-formed identifiers that belong to nobody.

Numbers are taken from ranges that the agencies have not given out, so that no made-up row points at a real
person, paper, book or journal; shapes and check digits are right. DOIs use the prefix kept for tests.
"""

from __future__ import annotations

from typing import Final

DOI_PREFIX: Final = "10.5555"
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ORCID_BLOCK: Final = 900990000000
_ISSN_BLOCK: Final = 9000000
_ISBN_BLOCK: Final = 979990000000


def mod_11_2(digits: str) -> str:
    """The check character of ISO 7064 MOD 11-2, as ORCID iDs and ISNIs carry it."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "X" if check == 10 else str(check)


def orcid(number: int) -> str:
    """The number-th made-up iD, hyphenated; numbers from 0 to 9,999,999 give distinct iDs."""
    # Multiplying by a number prime to the block's size spreads neighbours apart.
    digits = f"{_ORCID_BLOCK + number * 7919 % 10_000_000:015d}"
    text = digits + mod_11_2(digits)
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def spoil_check_digit(identifier: str) -> str:
    """The same identifier with a last character that can't be right."""
    return identifier[:-1] + ("1" if identifier[-1] != "1" else "2")


def issn(number: int) -> str:
    """The number-th made-up ISSN."""
    digits = f"{_ISSN_BLOCK + number * 37 % 1_000_000:07d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=True))
    check = -total % 11
    return f"{digits[:4]}-{digits[4:]}{'X' if check == 10 else check}"


def isbn13(number: int) -> str:
    """The number-th made-up ISBN."""
    digits = str(_ISBN_BLOCK + number)
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def ror(number: int) -> str:
    """The number-th made-up ROR id, as URL: 0, six base-32 characters, two check digits (ISO 7064 MOD 97-10)."""
    value, text = number, ""
    for _ in range(6):
        value, remainder = divmod(value, 32)
        text = _CROCKFORD[remainder] + text
    return f"https://ror.org/0{text}{98 - number * 100 % 97:02d}"


def pmid(number: int) -> str:
    """The number-th made-up PubMed id."""
    return str(90_000_000 + number)


def pmc(number: int) -> str:
    """The number-th made-up PubMed Central id."""
    return f"PMC{90_000_000 + number}"


def arxiv(number: int, year: int, month: int) -> str:
    """A made-up arXiv id: serial numbers above 90000 are never reached within a month."""
    return f"{year % 100:02d}{month:02d}.{90000 + number % 10000:05d}"
