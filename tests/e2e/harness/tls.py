# SPDX-License-Identifier: Apache-2.0
"""Certificates made for one test, and clients that say which one they were shown."""
import pathlib
import ssl

from . import http
from .programs import run


class SelfSigned:
    """A certificate for these names, with its key, as PEM texts and files."""

    def __init__(self, folder, label, *names, key="ec -pkeyopt ec_paramgen_curve:P-256", days=30):
        self.folder = pathlib.Path(folder)
        self.file, self.key_file = self.folder / f"{label}.crt", self.folder / f"{label}.key"
        named = ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)] if names else []
        status, _, errors = run(
            ["openssl", "req", "-x509", "-nodes", "-newkey", *key.split(), "-keyout", self.key_file, "-out", self.file,
             "-days", days, "-subj", f"/CN={label}", *named])
        if status != 0:
            raise AssertionError(f"openssl: {errors}")
        self.certificate, self.key = self.file.read_text(), self.key_file.read_text()
        self.der = ssl.PEM_cert_to_DER_cert(self.certificate)


def _trusting_anybody():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection(http.Connection):
    """TLS towards one server name; None: none is asked for."""

    def __init__(self, port, server_name, timeout=10.0, own=None, version=None):
        """own: the certificate we show; version: the only one we speak, an ssl.TLSVersion."""
        super().__init__(port, timeout=timeout)
        try:
            context = _trusting_anybody()
            if own is not None:
                context.load_cert_chain(own.file, own.key_file)
            if version is not None:
                context.minimum_version = context.maximum_version = version
            self.sock = context.wrap_socket(self.sock, server_hostname=server_name)
        except (OSError, ssl.SSLError):
            self.sock.close()
            raise

    @property
    def shown(self):
        """The server's certificate, DER."""
        return self.sock.getpeercert(binary_form=True)


def shown(port, server_name):
    with Connection(port, server_name) as connection:
        return connection.shown


def get(port, host, path="/", headers=(), own=None):
    with Connection(port, host, own=own) as connection:
        return connection.request(path=path, host=host, headers=headers)


class Resuming:
    """A client of one version that keeps its sessions; without tickets (TLS 1.2 only), as old ones are."""

    def __init__(self, server_name, version, tickets=True):
        self.server_name, self.version = server_name, version
        self.context = _trusting_anybody()
        self.context.minimum_version = self.context.maximum_version = version
        if not tickets:
            self.context.options |= ssl.OP_NO_TICKET

    def ask(self, port, session=None):
        """(whether the session was resumed, the one to resume next)"""
        with http.Connection(port) as connection:
            connection.sock = self.context.wrap_socket(connection.sock, server_hostname=self.server_name, session=session)
            connection.request(host=self.server_name)  # tickets of TLS 1.3 come after the handshake
            return connection.sock.session_reused, connection.sock.session
