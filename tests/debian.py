"""Real parts from Debian's packages, unpacked beside the project: nothing is installed and root is not needed.

`fetch` makes a private apt root (its own configuration, package lists and an empty dpkg status, so that the whole
closure is fetched), downloads signature-checked packages of one suite from the mirror that this machine's own apt
sources name, and unpacks them into one folder under `.cache/debian`. A finished folder is renamed into place, so
what stands there is whole; two processes that want the same part wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("THIRTEEN_CACHE") or Path(__file__).resolve().parent.parent / ".cache") / "debian"
"Where unpacked parts are kept: `.cache/` of the project, or where THIRTEEN_CACHE points (several clones may share it)."
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_LAYOUT = "2"
"Part of the folder's name: grows when unpacked folders of an older layout are no longer good."
_USELESS = ("doc", "man", "locale", "info", "lintian", "bug")
_C_LIBRARY = re.compile(
    r"(ld-linux.*|libc|libm|libdl|libpthread|librt|libresolv|libutil|libanl|libmvec|libnsl|libthread_db|libBrokenLocale"
    r"|libnss_(files|dns|compat|hesiod|db))([.-].*)?\.so(\..*)?|ld-linux.*"
)


class Unavailable(Exception):
    """The part cannot be had on this machine; the text says why, in a sentence fit for a skipped test."""


@dataclass(frozen=True)
class Unpacked:
    """A folder with packages in it, laid out like `/`."""

    root: Path

    def library_dirs(self) -> list[Path]:
        """Folders that hold shared libraries, the main ones first."""
        found = [self.root / "usr/lib" / triplet for triplet in (f"{os.uname().machine}-linux-gnu",)] + [
            self.root / "usr/lib",
            self.root / "usr/lib64",
        ]
        configured = sorted((self.root / "etc/ld.so.conf.d").glob("*.conf"))
        for file in configured:
            for line in file.read_text().splitlines():
                if line.startswith("/"):
                    found.append(self.root / line.strip().lstrip("/"))
        nested = sorted(d for d in found[0].glob("*") if d.is_dir() and any(d.glob("lib*.so*")))
        unique: list[Path] = []
        for directory in [*found, *nested]:
            if directory.is_dir() and directory.resolve() not in unique:
                unique.append(directory.resolve())
        return unique

    def libraries_for_host(self) -> Path:
        """A folder of links to all shared libraries but the C library's own.

        For programs that must run on the host's loader and C library, which have to be as new as the packages'.
        """
        links = self.root / "host-libraries"
        if not links.is_dir():
            new = self.root / f"host-libraries.{os.getpid()}"
            new.mkdir()
            for directory in self.library_dirs():
                for file in sorted(directory.glob("*.so*")):
                    if not _C_LIBRARY.fullmatch(file.name) and not (new / file.name).is_symlink():
                        (new / file.name).symlink_to(os.path.relpath(file, new))
            try:
                new.rename(links)
            except OSError:  # another process was faster
                shutil.rmtree(new)
        return links


def fetch(suite: str, packages: Sequence[str], *, name: str = "", cache: Path = CACHE) -> Unpacked:
    """The packages and everything that they depend on (not what they recommend), unpacked.

    The first call downloads; later calls find the folder. Raises `Unavailable` with the reason where it cannot.
    """
    wanted = hashlib.sha256("\0".join([_LAYOUT, suite, *sorted(packages)]).encode()).hexdigest()[:10]
    target = cache / f"{name or packages[0]}-{suite}-{wanted}"
    if target.is_dir():
        return Unpacked(target)
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{packages[0]}: {tool} is missing, it comes with Debian's apt, dpkg and tar")
    if not KEYRING.is_file():
        raise Unavailable(f"{packages[0]}: {KEYRING} is missing (package debian-archive-keyring)")
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{target.name}.lock"):
        if target.is_dir():
            return Unpacked(target)
        work = cache / f"{target.name}.partial"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            archives = _download(work / "apt", suite, packages)
            _unpack(archives, work / "root")
            (work / "root").rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Unpacked(target)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def mirrors(etc: Path = Path("/etc/apt")) -> list[str]:
    """Addresses of Debian's main archive in the machine's apt sources (deb822 and one-line), best first."""
    found: list[str] = []
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if file.is_file():
            found += _one_line(file.read_text(errors="replace"))
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        found += _deb822(file.read_text(errors="replace"))
    return list(dict.fromkeys(found))


def _one_line(text: str) -> Iterator[str]:
    for line in text.splitlines():
        fields = re.sub(r"\[[^]]*\]", " ", line.split("#")[0]).split()
        if len(fields) > 3 and fields[0] == "deb" and _is_main(fields[2:3], fields[3:]):
            yield fields[1].rstrip("/")


def _deb822(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, list[str]] = {}
        key = ""
        for line in stanza.splitlines():
            if line[:1] not in (" ", "\t"):
                key, _, line = line.partition(":")
                key = key.strip().lower()
            fields.setdefault(key, []).extend(line.split())
        enabled = fields.get("enabled", ["yes"])[0].lower() not in ("no", "false", "0")
        if (
            enabled
            and "deb" in fields.get("types", [])
            and _is_main(fields.get("suites", []), fields.get("components", []))
        ):
            yield from (uri.rstrip("/") for uri in fields.get("uris", []))


def _is_main(suites: Iterable[str], components: Iterable[str]) -> bool:
    """A plain suite with Debian's `main`: not the security archive, and nobody else's repository."""
    return "main" in components and any(re.fullmatch(r"[a-z]+", suite) for suite in suites)


def _download(apt: Path, suite: str, packages: Sequence[str]) -> list[Path]:
    reasons = []
    for mirror in mirrors():
        shutil.rmtree(apt, ignore_errors=True)
        env = _private_apt(apt, f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
        done = _run(["apt-get", "update", "-qq"], env)
        if done is None:
            done = _run(["apt-get", "install", "-y", "-qq", "--download-only", *packages], env)
        if done is None:
            return sorted((apt / "cache/archives").glob("*.deb"))
        reasons.append(done)
    raise Unavailable(
        f"{packages[0]} of Debian {suite} could not be fetched: "
        + ("; ".join(reasons) or "this machine's apt sources name no Debian mirror")
    )


def _private_apt(apt: Path, source: str) -> Mapping[str, str]:
    """Environment in which apt-get knows nothing of this machine but how to reach the network."""
    for folder in ("etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "etc/sources.list").write_text(source)
    host = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    network = [
        line
        for line in host.splitlines()
        if line.startswith("Acquire::") and not line.startswith("Acquire::Changelogs")
    ]
    settings = {
        "Dir::Etc": apt / "etc",
        "Dir::Etc::sourcelist": apt / "etc/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::netrc": "/etc/apt/auth.conf",
        "Dir::Etc::netrcparts": "/etc/apt/auth.conf.d",
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "true",
    }
    config = apt / "apt.conf"
    config.write_text("\n".join([*network, *(f'{key} "{value}";' for key, value in settings.items()), ""]))
    return {**os.environ, "APT_CONFIG": str(config), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def _run(command: Sequence[str], env: Mapping[str, str]) -> str | None:
    """None when it worked, else the reason."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    said = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
    return re.sub(r"\S+://\S+", "the mirror", " ".join(said)) or f"{command[0]} ended with {done.returncode}"


def _unpack(archives: Iterable[Path], root: Path) -> None:
    for folder in ("bin", "sbin", "lib", "lib64"):  # one /usr, whatever the suite
        (root / "usr" / folder).mkdir(parents=True)
        (root / folder).symlink_to(f"usr/{folder}")
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as tarball:
            subprocess.run(
                ["tar", "-x", "-C", root, "--keep-directory-symlink", "--no-same-owner"],
                stdin=tarball.stdout,
                stderr=subprocess.DEVNULL,
                check=True,
            )
        if tarball.returncode:
            raise Unavailable(f"{archive.name} is damaged")
    for folder in _USELESS:
        shutil.rmtree(root / "usr/share" / folder, ignore_errors=True)
