"""A server on loopback that answers lines with lines, for what no real server does when it is asked to."""

from __future__ import annotations

import socketserver
import ssl
from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import Any, Self


class ScriptedServer:
    """Runs while its block lasts. `answer` gives what to send for a line; None breaks the connection."""

    def __init__(
        self, greeting: str, answer: Callable[[str], str | None], tls: ssl.SSLContext | None = None
    ) -> None:
        self.lines: list[str] = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self) -> None:
                self.wfile.write(greeting.encode())
                for line in self.rfile:
                    text = line.decode("utf-8", "replace").rstrip("\r\n")
                    server.lines.append(text)
                    reply = answer(text)
                    if reply is None:
                        return
                    self.wfile.write(reply.encode())

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def finish_request(self, request: Any, client_address: Any) -> None:
                request.settimeout(10)
                super().finish_request(
                    tls.wrap_socket(request, server_side=True) if tls is not None else request, client_address
                )

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that went away

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def imap_answers(login: str) -> Callable[[str], str | None]:
    """An IMAP server whose answer to any way of signing in is `login`, without the tag."""

    def answer(line: str) -> str | None:
        tag, _, rest = line.partition(" ")
        if rest.upper().startswith("CAPABILITY"):
            return f"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\r\n{tag} OK done\r\n"
        if rest.upper().startswith("LOGOUT"):
            return f"* BYE\r\n{tag} OK done\r\n"
        if rest.upper().startswith("AUTHENTICATE"):
            return "+ \r\n"
        if rest.upper().startswith("LOGIN"):
            return f"{tag} {login}\r\n" if login else None
        return f"{tag} OK done\r\n"

    return answer


def smtp_answers(sign_in: str) -> Callable[[str], str | None]:
    """An SMTP server whose answer to any way of signing in is `sign_in`."""

    def answer(line: str) -> str | None:
        match line.upper().split(" ")[0]:
            case "EHLO":
                return "250-here\r\n250-SIZE 35882577\r\n250 AUTH PLAIN XOAUTH2\r\n"
            case "AUTH":
                return f"{sign_in}\r\n"
            case "QUIT":
                return "221 bye\r\n"
            case _:
                return "250 fine\r\n"

    return answer
