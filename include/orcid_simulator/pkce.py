"""Proof key for code exchange (RFC 7636): whoever exchanges a code has to show what the request for it was made with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from orcid_simulator.errors import OAuthError

METHODS = ("S256", "plain")
# Both the challenge and the verifier: 43 to 128 unreserved characters.
_FORM = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class ChallengeRefused(Exception):
    """An authorization request whose challenge can't be used; the text goes back to the client."""


@dataclass(frozen=True)
class Challenge:
    """What an authorization request promised to show."""

    method: str
    text: str

    def is_met_by(self, verifier: str) -> bool:
        """Whether this is the verifier that the challenge was made from."""
        if not _FORM.fullmatch(verifier):
            return False
        made = verifier
        if self.method == "S256":
            made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return hmac.compare_digest(made, self.text)


def read_challenge(query: dict[str, str]) -> Challenge | None:
    """The challenge of an authorization request, None for a request without one. Raises ChallengeRefused."""
    text, method = query.get("code_challenge"), query.get("code_challenge_method")
    if text is None:
        if method is not None:
            raise ChallengeRefused("code challenge required")
        return None
    # A request that names no method means plain.
    if (method or "plain") not in METHODS:
        raise ChallengeRefused("transform algorithm not supported")
    if not _FORM.fullmatch(text):
        raise ChallengeRefused("code challenge is malformed")
    return Challenge(method or "plain", text)


def check_verifier(challenge: Challenge | None, verifier: str | None) -> None:
    """Raises OAuthError unless the verifier fits.

    One for a code that was asked for without a challenge is refused, too: somebody may have taken the challenge out.
    """
    if challenge is None and not verifier:
        return
    if challenge is None or not verifier or not challenge.is_met_by(verifier):
        raise OAuthError(400, "invalid_grant", "The code verifier does not match the code challenge")
