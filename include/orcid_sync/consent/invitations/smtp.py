"""One connection to the mail server for many messages, which says of each whether it is in, not in, or in doubt."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from contextlib import suppress
from email import policy
from email.message import EmailMessage
from functools import partial
from typing import Final, Literal

Delivery = Literal["sent", "failed", "refused", "doubt"]
OpenServer = Callable[[], smtplib.SMTP]
_POLICY: Final = policy.SMTP


class MailServer:
    """Sends message after message; opens the connection when it is needed, and again when it was lost."""

    def __init__(self, open_server: OpenServer) -> None:
        self._open = open_server
        self._server: smtplib.SMTP | None = None

    def deliver(self, message: EmailMessage, sender: str, recipient: str) -> tuple[Delivery, str]:
        """What became of it, and the kind of trouble: the server's own text may quote the address.

        failed: the server does not have it. refused: it will never take it. doubt: the answer to the whole message was lost.
        """
        try:
            server = self._connected()
            # One after the other: after a refusal nothing more of this message is said.
            for step in (
                partial(server.mail, sender),
                partial(server.rcpt, recipient),
                partial(server.docmd, "DATA"),
            ):
                code, _ = step()
                if code not in (250, 251, 354):
                    return self._refused(code)
        except (OSError, smtplib.SMTPException) as failure:
            self.close()
            return "failed", type(failure).__name__
        try:
            content = message.as_bytes(policy=_POLICY).replace(b"\r\n.", b"\r\n..")
            server.send(content + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, _ = server.getreply()
        except (OSError, smtplib.SMTPException) as failure:
            self.close()
            return "doubt", type(failure).__name__
        return ("sent", "") if code == 250 else self._refused(code)

    def close(self) -> None:
        """End the connection."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            self._server = self._open()
            self._server.ehlo_or_helo_if_needed()
        return self._server

    def _refused(self, code: int) -> tuple[Delivery, str]:
        # A server that says it closes the connection (421) gets a fresh one; else the next message starts clean.
        if code == 421 or self._server is None:
            self.close()
        else:
            with suppress(OSError, smtplib.SMTPException):
                self._server.rset()
        return ("refused" if code >= 500 else "failed"), f"code {code}"
