"""A name server on loopback for tests, with the records that a test gives it. It can also say nothing at all."""

from __future__ import annotations

import socket
from threading import Thread
from types import TracebackType
from typing import Self

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """Runs while its block lasts; `records` are lists of `TYPE data` by name."""

    def __init__(self, records: dict[str, list[str]], *, silent: bool = False) -> None:
        self.records, self.silent = records, silent
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def resolver(self) -> dns.asyncresolver.Resolver:
        """A resolver that asks this server."""
        made = dns.asyncresolver.Resolver(configure=False)
        made.nameservers = ["127.0.0.1"]
        made.port = self._socket.getsockname()[1]
        return made

    def _serve(self) -> None:
        while True:
            try:
                data, sender = self._socket.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
            self.asked.append(f"{kind} {name}")
            if self.silent:
                continue
            answer = dns.message.make_response(query)
            found = [one.partition(" ")[2] for one in self.records.get(name, ()) if one.startswith(kind)]
            if found:
                answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
            elif name not in self.records:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self._socket.sendto(answer.to_wire(), sender)

    def __enter__(self) -> Self:
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._socket.close()
