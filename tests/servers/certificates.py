"""An authority of the tests' own and a certificate of it for 127.0.0.1, made by openssl, gone with their folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests import debian

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificates:
    """Files in PEM form, readable for everybody on this machine: they are worth nothing beyond the test."""

    folder: Path
    ca: Path
    cert: Path
    key: Path

    @classmethod
    def make(cls, *, name: str = "IP:127.0.0.1") -> Certificates:
        """An authority and one certificate, good for a day, for a server and its clients. Raises `Unavailable`."""
        folder = Path(tempfile.mkdtemp(prefix="thirteen-tls-"))
        folder.chmod(0o755)
        made = cls(folder, folder / "ca.pem", folder / "one.pem", folder / "one.key")
        try:
            made._make(name)
        except BaseException:
            made.end()
            raise
        return made

    def _make(self, name: str) -> None:
        ca_key, request, more = self.folder / "ca.key", self.folder / "one.csr", self.folder / "more"
        more.write_text(f"subjectAltName={name}\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl("req", "-x509", *_KEY, "-subj", "/CN=test authority", "-days", "1", "-keyout", ca_key, "-out", self.ca)
        _openssl("req", *_KEY, "-subj", "/CN=test", "-keyout", self.key, "-out", request)
        signed = ("-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-extfile", more, "-days", "1")
        _openssl("x509", "-req", "-in", request, *signed, "-out", self.cert)
        for file in (self.ca, self.cert, self.key):
            file.chmod(0o644)

    def end(self) -> None:
        """Take them away."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _openssl(*words: str | Path) -> None:
    program, environment = shutil.which("openssl"), dict(os.environ)
    if program is None:
        files = debian.fetch("bookworm", ["redis-server", "openssl"], name="redis")
        program = str(files.root / "usr/bin/openssl")
        environment["LD_LIBRARY_PATH"] = str(files.libraries_for_host())
        environment["OPENSSL_CONF"] = "/dev/null"
    done = subprocess.run([program, *map(str, words)], capture_output=True, env=environment, check=False)
    if done.returncode:
        raise debian.Unavailable(f"openssl does not work here: {done.stderr.decode(errors='replace').strip()[-200:]}")
