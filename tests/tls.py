"""Certificates, and servers between a TLS client and its broker."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from pathlib import Path


class Certificates:
    """A CA, a certificate of it for "localhost", and another CA; EC P-256, as DER and PEM."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which("openssl"), "openssl is missing; type: sudo apt-get install openssl"
        self.folder = folder
        self.ca = self._authority("ca")
        self.other_ca = self._authority("other")
        self.key = self._key("server")
        self.certificate = self.sign(folder / "server.pem")

    def sign(
        self,
        path: Path,
        name: str = "localhost",
        days: int = 30,
        authority: str = "ca",
        itself: bool = False,
    ) -> Path:
        """Make a certificate for the server's key, by an authority ("ca", "other") or by itself."""
        request = self.folder / "server.csr"
        self._openssl("req", "-new", "-key", self.key, "-subj", f"/CN={name}", "-out", request)
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName=DNS:{name}\n")
        signer: list[str | Path] = ["-signkey", self.key]
        if not itself:
            signer = ["-CA", self.folder / f"{authority}.pem", "-CAcreateserial"]
            signer += ["-CAkey", self.folder / f"{authority}.key"]
        self._openssl(
            *("x509", "-req", "-in", request, *signer),
            *("-days", str(days), "-extfile", extensions, "-out", path),
        )
        return path

    def settings(self) -> str:
        """Mosquitto's settings for a TLS listener that lets everybody in."""
        return (
            "allow_anonymous true\nuser root\n"
            f"cafile {self.ca}\ncertfile {self.certificate}\nkeyfile {self.key}\n"
        )

    def der(self, pem: Path) -> bytes:
        return self._openssl("x509", "-in", pem, "-outform", "DER")

    def _key(self, name: str) -> Path:
        path = self.folder / f"{name}.key"
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        return path

    def _authority(self, name: str) -> Path:
        path = self.folder / f"{name}.pem"
        key = self._key(name)
        self._openssl(
            *("req", "-new", "-x509", "-key", key, "-subj", f"/CN={name}", "-days", "30"),
            *("-out", path),
        )
        return path

    def _openssl(self, *arguments: str | Path) -> bytes:
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def forward(source: socket.socket, target: socket.socket, limit: int) -> None:
    """Copy up to `limit` bytes, until one side closes."""
    try:
        while limit and (data := source.recv(min(limit, 4096))):
            target.sendall(data)
            limit -= len(data)
    except OSError:
        pass


class SilentServer:
    """Takes connections and forwards only the first `limit` bytes that `upstream` answers."""

    def __init__(self, upstream: int | None, limit: int) -> None:
        self.upstream = upstream
        self.limit = limit
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = [self.listener]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(client)
            if self.upstream:
                server = socket.create_connection(("127.0.0.1", self.upstream))
                self.open.append(server)
                threading.Thread(target=forward, args=(client, server, 1 << 30)).start()
                threading.Thread(target=forward, args=(server, client, self.limit)).start()

    def close(self) -> None:
        for each in self.open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


class RecordCounter:
    """Forwards one TLS client to `upstream` and counts the records of application data it sends."""

    APPLICATION_DATA = 23

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.count = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.upstream))
        threading.Thread(target=forward, args=(server, client, 1 << 30), daemon=True).start()
        buffer = b""
        while data := self._receive(client):
            server.sendall(data)
            buffer += data
            while len(buffer) >= 5:
                end = 5 + int.from_bytes(buffer[3:5], "big")
                if len(buffer) < end:
                    break
                self.count += buffer[0] == self.APPLICATION_DATA
                buffer = buffer[end:]
        server.close()
        client.close()

    @staticmethod
    def _receive(client: socket.socket) -> bytes:
        try:
            return client.recv(4096)
        except ConnectionResetError:  # closed before it had read the last alert
            return b""

    def finish(self) -> int:
        """Wait until the client has closed; return the number of records."""
        self.thread.join(60)
        assert not self.thread.is_alive(), "the client does not close"
        self.listener.close()
        return self.count
