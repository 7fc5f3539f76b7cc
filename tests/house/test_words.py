"""The words of the pages: both languages say the same things, and every thing that is said exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATIC = Path("cti/web/static")
ENTRY = re.compile(r"(?:'([\w.]+)'|\b(\w+)): '((?:[^'\\]|\\.)*)'")


def words(language: str) -> dict[str, str]:
    """{key: text} of a language."""
    files = [STATIC / "i18n" / f"{language}.js", *sorted((STATIC / "i18n").glob(f"{language}-*.js"))]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    found = [(quoted or bare, said) for quoted, bare, said in ENTRY.findall(text)]
    assert len(found) == len(dict(found)), "a key stands twice"
    return dict(found)


def modules() -> list[Path]:
    """Our own scripts."""
    return sorted((STATIC / "js").rglob("*.js"))


def test_both_languages_have_the_same_keys_and_holes() -> None:
    """Each key stands in both, with the same {holes} to be filled."""
    chinese, english = words("zh"), words("en")
    assert chinese.keys() == english.keys()
    holes = {key: (set(re.findall(r"{\w+}", chinese[key])), set(re.findall(r"{\w+}", english[key]))) for key in chinese}
    assert {key: pair for key, pair in holes.items() if pair[0] != pair[1]} == {}
    assert not [key for key, said in english.items() if re.search("[\u4e00-\u9fff]", said)]


def test_every_key_that_a_page_names_exists_and_none_is_idle() -> None:
    """No page asks for words that are not there; no words are kept that nobody asks for."""
    source = "\n".join(module.read_text(encoding="utf-8") for module in modules())
    known = words("zh")
    named = set(re.findall(r"\bt\('([\w.]+)'", source))
    families = set(re.findall(r"`([\w]+(?:\.[\w]+)*\.)\$\{", source))
    assert named <= known.keys()
    quoted = set(re.findall(r"'([\w.]+)'", source))
    assert [key for key in known if key not in quoted and not any(key.startswith(f) for f in families)] == []


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(STATIC)))
def test_scripts_show_text_as_text_and_stay_small(module: Path) -> None:
    """No script makes elements from text, evaluates text, or outgrows what one can read."""
    text = module.read_text(encoding="utf-8")
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(|new Function"
    assert not re.search(forbidden, text)
    assert text.count("\n") < 450
    assert max(map(len, text.splitlines())) <= 200, "a line that nobody reads to its end"
    for names in re.findall(r"^import \{([^}]*)\} from", text, flags=re.M):
        for name in re.findall(r"(?:\w+ as )?(\w+)", names):
            assert len(re.findall(rf"(?<![\w.]){name}\b", text)) > 1, f"{name} is imported and not used"
    imported = re.findall(r"from '([^']+)'", text)
    assert all(name.startswith(".") for name in imported)
    if module.name != "lib.js":
        assert not any("vendor" in name for name in imported), "lib.js is the one door to the vendored libraries"


def test_pages_carry_nothing_inline() -> None:
    """The policy lets no inline script or style run: the pages have none, and name only files that exist."""
    for page in STATIC.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|<style", text)
        for name in re.findall(r'(?:src|href)="/([^"]+)"', text):
            assert (STATIC / name).is_file(), name


def test_vendored_libraries_bear_version_and_licence() -> None:
    """Each vendored file is listed with its version, and its licence lies beside it."""
    listed = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    for library in (STATIC / "vendor").glob("*.js"):
        row = next(line for line in listed.splitlines() if f"`{library.name}`" in line)
        assert re.search(r"\d+\.\d+\.\d+", row)
        licence = re.search(r"`(licences/[\w-]+\.txt)`", row)
        assert licence is not None
        assert (STATIC / "vendor" / licence[1]).is_file()
        assert not re.search(r'from ?"[^./]', library.read_text(encoding="utf-8"))
