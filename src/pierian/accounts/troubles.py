"""What goes wrong between this machine and a server of an account, in sentences: one place for all protocols.

`explained` knows the errors of sockets, TLS, HTTP, IMAP, SMTP and DAV. Nothing that a server wrote stands in a
sentence; of its answers only the numbers and codes of the protocols are read. Secrets are never part of one.
"""

from __future__ import annotations

import imaplib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Literal

from pierian.exceptions import PierianError, RunError
from pierian.tools.failure import FailureCode

TroubleCode = Literal[
    "password",  # it does not let us in with what we have
    "consent",  # an OAuth consent has ended, was taken back or does not cover this
    "denied",  # it knows us, and does not allow this
    "certificate",  # its certificate does not prove who it is
    "plain_text",  # it speaks no TLS
    "not_found",  # there is nothing at that address
    "unreachable",  # no such host, nobody answers there, the connection breaks
    "timeout",  # it does not answer in time
    "throttled",  # it asks to be left alone for a while
    "full",  # the quota is used up
    "failed",  # anything else
]

FAILURE_OF: dict[TroubleCode, FailureCode] = {
    "password": "denied",
    "consent": "denied",
    "denied": "denied",
    "certificate": "denied",
    "plain_text": "denied",
    "not_found": "not_found",
    "unreachable": "unreachable",
    "timeout": "timeout",
    "throttled": "unreachable",
    "full": "failed",
    "failed": "failed",
}
"""What a planner learns of it."""

PASSING: frozenset[TroubleCode] = frozenset({"unreachable", "timeout", "throttled"})
"""What may be over when it is tried again."""


FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=6)
"""Between tries of what may be over by itself; each pause is twice as long as the one before."""
FIRST_REST, LONGEST_REST = timedelta(hours=1), timedelta(hours=24)
"""Of what a person has to mend: a wrong password that is tried again and again locks people out."""


class AccountError(RunError):
    """A server of a connected account did not do its part; `wait` is how many seconds it asks us to stay away."""

    def __init__(self, message: str, *, code: TroubleCode, hint: str = "", wait: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code: TroubleCode = code
        self.wait = wait


APP_PASSWORD = (
    "Many providers want a password made for this program (an app password), not the one of their pages."
)
OTHER_TLS = "Try --security starttls or --security tls, with the port that belongs to it."

# What OpenSSL says of a certificate: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_CERTIFICATES = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed",
    19: "was issued by an authority that this machine does not trust",
    20: "was issued by an authority that this machine does not trust",
    21: "was issued by an authority that this machine does not trust",
    23: "was revoked",
    62: "was issued for another name",
    64: "was issued for another address",
}

# Response codes of IMAP: RFC 5530 and RFC 9208.
_IMAP_CODES: dict[str, TroubleCode] = {
    "AUTHENTICATIONFAILED": "password",
    "AUTHORIZATIONFAILED": "denied",
    "EXPIRED": "password",
    "PRIVACYREQUIRED": "plain_text",
    "NOPERM": "denied",
    "CONTACTADMIN": "denied",
    "UNAVAILABLE": "throttled",
    "LIMIT": "throttled",
    "INUSE": "throttled",
    "THROTTLED": "throttled",
    "OVERQUOTA": "full",
    "NONEXISTENT": "not_found",
    "TRYCREATE": "not_found",
}
_IMAP_CODE = re.compile(r"\[([A-Z]{3,})\b")


def pause_after(failed: Sequence[AccountError], before: int) -> timedelta | None:
    """How long to leave alone what failed, and had failed `before` times in a row; None where nothing did."""
    if not failed:
        return None
    passing = all(one.code in PASSING or one.code == "failed" for one in failed)
    first, longest = (FIRST_PAUSE, LONGEST_PAUSE) if passing else (FIRST_REST, LONGEST_REST)
    asked = timedelta(seconds=max((one.wait or 0.0 for one in failed), default=0.0))
    return max(min(first * 2 ** min(before, 20), longest), min(asked, LONGEST_REST))


def in_one_line(sentences: Iterable[str]) -> str:
    """Sentences one after the other, each once."""
    return " ".join(dict.fromkeys(one for one in sentences if one))


def explained(error: BaseException, where: str) -> AccountError | None:
    """The sentence for an error of a library at the server `where`; None where it is no trouble of a server.

    `where` is a host, with a port where it matters, as the user knows it.
    """
    for one in _causes(error):
        if isinstance(one, AccountError):
            return one
        if isinstance(one, PierianError):
            return AccountError(str(one), code="failed", hint=one.hint)
        found = _of_tls(one, where) or _of_mail(one, where) or _of_http(one, where) or _of_sockets(one, where)
        if found is not None:
            return found
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nobody else can listen: the one place where no TLS is needed."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def refuse_plain_text(host: str) -> None:
    """Raise `AccountError` unless a host is this machine: anywhere else a password would be readable on the way."""
    if not is_loopback(host):
        raise AccountError(
            f"{host} would be reached without encryption, and everybody on the way could read the password.",
            code="plain_text",
            hint="Use its https address, or TLS. Only servers on this machine may go without.",
        )


def by_status(status: int, where: str, *, retry_after: str | None = None) -> AccountError:
    """The sentence for an HTTP status that is none of success."""
    if status == 401:
        return AccountError(
            f"{where} does not accept this user name and password.", code="password", hint=APP_PASSWORD
        )
    if status == 403:
        return AccountError(f"{where} does not allow this.", code="denied")
    if status in (404, 410):
        return AccountError(
            f"There is nothing at this address of {where}.", code="not_found", hint="Check the address."
        )
    if status in (429, 503):
        return throttled(where, seconds_of(retry_after))
    if status == 507:
        return AccountError(f"There is no room left at {where}.", code="full", hint="Delete something there.")
    if status >= 500:
        return AccountError(
            f"{where} has a fault of its own ({status}).", code="throttled", hint="Try later."
        )
    return AccountError(f"{where} refuses the request ({status}).", code="failed")


def throttled(where: str, wait: float | None) -> AccountError:
    """A server asks to be left alone for a while."""
    return AccountError(
        f"{where} asks to be left alone for {_span(wait)}.",
        code="throttled",
        hint="Try again then.",
        wait=wait,
    )


def seconds_of(retry_after: str | None) -> float | None:
    """A Retry-After header (RFC 9110, 10.2.3) in seconds, at most a day; None where there is none."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    try:
        then = parsedate_to_datetime(text)
        if then.tzinfo is None:
            then = then.replace(tzinfo=UTC)
        return min(max(0.0, (then - datetime.now(UTC)).total_seconds()), 86_400.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "a while"
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to an error, the innermost first: libraries wrap what matters."""
    chain = list[BaseException]()
    at: BaseException | None = error
    while at is not None and at not in chain and len(chain) < 20:
        chain.append(at)
        at = (
            at.__cause__ or at.__context__
        )  # also where it is suppressed: httpcore2 hides the socket's own error
    return reversed(chain)


def _of_tls(error: BaseException, where: str) -> AccountError | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        number = getattr(error, "verify_code", 0)  # set by OpenSSL
        why = _CERTIFICATES.get(number, "cannot be verified")
        hint = (
            "Nothing was sent there. Use the name that the certificate is for, or ask whoever runs the server"
        )
        if number in (18, 19, 20, 21):
            hint = (
                "Nothing was sent there. If the server is yours, add the certificate of its authority to the "
                "system's store, or name a file with it in SSL_CERT_FILE"
            )
        return AccountError(f"The certificate of {where} {why}.", code="certificate", hint=f"{hint}.")
    if isinstance(error, ssl.SSLError):
        if error.reason in (
            "WRONG_VERSION_NUMBER",
            "UNKNOWN_PROTOCOL",
            "HTTP_REQUEST",
            "RECORD_LAYER_FAILURE",
        ):
            return AccountError(
                f"{where} does not speak TLS at this port.", code="plain_text", hint=OTHER_TLS
            )
        return AccountError(f"{where} and this machine found no way to encrypt.", code="certificate")
    return None


def _of_mail(error: BaseException, where: str) -> AccountError | None:
    if isinstance(error, imaplib.IMAP4.error) and "support STARTTLS" in str(error):  # imapclient's own words
        return AccountError(
            f"{where} does not offer encryption at this port.", code="plain_text", hint=OTHER_TLS
        )
    if isinstance(error, imaplib.IMAP4.abort | smtplib.SMTPServerDisconnected):
        return AccountError(f"{where} broke the connection.", code="unreachable", hint="Try again later.")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _of_smtp_sign_in(error.smtp_code, where)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return AccountError(
            f"{where} does not offer what is needed (encryption, or a way to sign in).",
            code="plain_text",
            hint=OTHER_TLS,
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_smtp(error.smtp_code, where)
    if isinstance(error, imaplib.IMAP4.error):
        words = [word for word in _IMAP_CODE.findall(str(error).upper()) if word in _IMAP_CODES]
        return _of_imap(_IMAP_CODES[words[0]] if words else None, where)
    return None


def _of_imap(code: TroubleCode | None, where: str) -> AccountError:
    says: dict[TroubleCode, str] = {
        "password": f"{where} does not accept this user name and password.",
        "denied": f"{where} does not allow this.",
        "plain_text": f"{where} wants encryption.",
        "full": f"There is no room left at {where}.",
        "not_found": f"{where} has no such mailbox.",
    }
    if code == "throttled":
        return throttled(where, None)
    if code is None:
        return AccountError(f"{where} refuses the request.", code="failed")
    return AccountError(says[code], code=code, hint=APP_PASSWORD if code == "password" else "")


def _of_smtp_sign_in(code: int, where: str) -> AccountError:
    if code in (421, 454):
        return throttled(where, None)
    return AccountError(
        f"{where} does not accept this user name and password.", code="password", hint=APP_PASSWORD
    )


def _of_smtp(code: int, where: str) -> AccountError:
    if code in (421, 450, 451):
        return throttled(where, None)
    if code in (452, 552):
        return AccountError(f"There is no room left at {where}.", code="full")
    if code in (530, 534, 535):
        return _of_smtp_sign_in(code, where)
    return AccountError(f"{where} refuses the request ({code}).", code="failed")


def _of_http(error: BaseException, where: str) -> AccountError | None:
    import httpx2

    if isinstance(error, httpx2.HTTPStatusError):
        answer = error.response
        return by_status(answer.status_code, where, retry_after=answer.headers.get("retry-after"))
    if isinstance(error, httpx2.TimeoutException) or type(error).__name__ in (
        "ReadTimeout",
        "ConnectTimeout",
    ):
        return AccountError(f"{where} does not answer in time.", code="timeout", hint="Try again later.")
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return AccountError(f"{where} is no address.", code="not_found", hint="Check the address.")
    if isinstance(error, httpx2.TransportError):
        return AccountError(f"{where} broke the connection.", code="unreachable", hint="Try again later.")
    return None


def _of_sockets(error: BaseException, where: str) -> AccountError | None:
    if isinstance(error, socket.gaierror):
        return AccountError(
            f"There is no host {where}.",
            code="unreachable",
            hint="Check its name, and whether this machine is connected to a network.",
        )
    if isinstance(error, TimeoutError):
        return AccountError(f"{where} does not answer in time.", code="timeout", hint="Try again later.")
    if isinstance(error, ConnectionRefusedError):
        return AccountError(
            f"Nothing listens at {where}.", code="unreachable", hint="Check the host and the port."
        )
    if isinstance(error, UnicodeError):
        return AccountError(f"{where} is no name of a host.", code="unreachable", hint="Check it.")
    if isinstance(error, OSError):
        return AccountError(f"{where} cannot be reached.", code="unreachable", hint="Try again later.")
    return None
