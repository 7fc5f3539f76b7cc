"""The browser of the page tests: the host's Chromium, else Debian's, unpacked beside the project with Chinese fonts.

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(**chromium.find().launch())
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.debian import Unavailable, Unpacked, fetch

SUITE = "bookworm"
PACKAGES = ("chromium", "fonts-noto-cjk")
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{root}/usr/share/fonts</dir>
  <cachedir>{root}/var/cache/fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>Noto Sans CJK SC</family></prefer></alias>
</fontconfig>
"""

__all__ = ["Chromium", "Unavailable", "find"]


@dataclass(frozen=True)
class Chromium:
    """A Chromium that can be started."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)

    def launch(self, *args: str) -> dict[str, Any]:
        """Keyword arguments of playwright's `chromium.launch`; `args` are further switches of the browser."""
        return {
            "executable_path": str(self.executable),
            "env": {**os.environ, **self.environment},
            "args": ["--no-sandbox", "--disable-dev-shm-usage", "--lang=zh-CN", *args],
        }


def find() -> Chromium:
    """The browser; the first call may download 250 MB. Raises `Unavailable` with the reason."""
    installed = shutil.which("chromium")
    has_chinese = any(Path("/usr/share/fonts").glob("**/NotoSansCJK-Regular*"))
    if installed and has_chinese:
        return Chromium(Path(installed))
    return _unpacked(fetch(SUITE, PACKAGES, name="chromium"))


def _unpacked(part: Unpacked) -> Chromium:
    fonts = part.root / "fonts.conf"
    if not fonts.exists():
        new = part.root / f"fonts.conf.{os.getpid()}"
        new.write_text(_FONTS.format(root=part.root))
        new.rename(fonts)
    environment = {"LD_LIBRARY_PATH": str(part.libraries_for_host()), "FONTCONFIG_FILE": str(fonts)}
    return Chromium(part.root / "usr/lib/chromium/chromium", environment)
