"""A real Dovecot on loopback for tests: made in a temporary folder, started as root or as an ordinary user.

Users are made by naming them: everybody has the password `secret` and, at first, no mail. `kill` and `start` let a test see
what a server does that dies. The file that installs it is `install.py` beside this one.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from imapclient import IMAPClient

PASSWORD = "canary-of-mail"
WHY_NOT = "Dovecot is not installed: python tests/accounts/install.py"
START_SECONDS = 20.0

SETTINGS = """
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
listen = 127.0.0.1
log_path = {folder}/log
info_log_path = {folder}/log
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
mail_location = {format}:{folder}/mail/%u
mail_fsync = never
mail_plugins = $mail_plugins quota
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
mail_max_userip_connections = 100
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox "All Mail" {{
    special_use = \\All
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = create
  }}
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=0
  quota_rule2 = {quota}
}}
"""


class Dovecot:
    """A server and its folder."""

    def __init__(self, folder: Path, *, kind: str = "maildir", quota: str = "Junk:ignore") -> None:
        self.folder, self.port, self.tls_port = folder, _free_port(), _free_port()
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        root = os.geteuid() == 0
        own = pwd.getpwuid(os.geteuid()).pw_name
        owner = pwd.getpwnam("nobody") if root else pwd.getpwnam(own)
        for name in ("run", "state", "mail", "home"):
            (folder / name).mkdir(exist_ok=True)
        if root:
            for name in ("mail", "home"):
                os.chown(folder / name, owner.pw_uid, owner.pw_gid)
            for above in (folder, *folder.parents):
                if above.stat().st_uid == 0 and above != Path("/"):
                    with contextlib.suppress(PermissionError):
                        above.chmod(above.stat().st_mode | 0o011)
        certificate, key = _certificate(folder)
        self.certificate = certificate
        (folder / "dovecot.conf").write_text(
            SETTINGS.format(
                folder=folder,
                password=PASSWORD,
                format=kind,
                quota=quota,
                ssl="yes",
                certificate=f"ssl_cert = <{certificate}\nssl_key = <{key}",
                internal="dovecot" if root else own,
                internal_group="dovecot" if root else "",
                login="dovenull" if root else own,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                port=self.port,
                tls_port=self.tls_port,
            )
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            # One that was just killed may still hold its sockets, which ends the next one at once.
            if self._process is None or self._process.poll() is not None:
                command = ["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")]
                self._process = subprocess.Popen(command, start_new_session=True)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                sock.settimeout(2)
                if sock.recv(10).startswith(b"* OK"):
                    return
            time.sleep(0.02)
        raise RuntimeError(f"Dovecot did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not killed."""
        return self._process is not None

    def pause(self) -> None:
        """Let it answer nothing, until `go_on`."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def user(self, name: str = "") -> str:
        """A new user without mail."""
        return name or f"user{next(self._numbers)}@example.org"

    def client(self, user: str) -> IMAPClient:
        """A connection of the user's, beside what is tested."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20)
        client.login(user, PASSWORD)
        return client


@contextlib.contextmanager
def running(**settings: str) -> Iterator[Dovecot]:
    """A server for a while; the test is skipped where Dovecot is not installed."""
    if shutil.which("dovecot") is None and not Path("/usr/sbin/dovecot").exists():
        pytest.skip(WHY_NOT)
    with tempfile.TemporaryDirectory(prefix="dovecot-", dir="/tmp") as folder:
        server = Dovecot(Path(folder), **settings)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` that its holder signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def trusting(server: Dovecot) -> ssl.SSLContext:
    """Settings that trust the server's certificate, as a system does that has it in its store."""
    return ssl.create_default_context(cafile=str(server.certificate))
