"""Reading single settings: types, ranges, unknown keys with a suggestion. Collects problems, never raises.

Used by `settings` alone, which knows the sections.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import msgspec

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_OWN_VARIABLES = frozenset({"CTI_CONFIG"})
_DATABASES = ("sqlite", "postgresql")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with the settings, in words for people. Never holds a secret."""

    key: str
    "Such as pbx.host, or the variable's name."
    text: str
    text_en: str
    suggestion: str = ""
    suggestion_en: str = ""

    def __str__(self) -> str:
        """Both languages, one line each."""
        zh = f"{self.text}。{self.suggestion}" if self.suggestion else self.text
        en = f"{self.text_en}. {self.suggestion_en}" if self.suggestion_en else self.text_en
        return f"{self.key}: {zh}\n    {en}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds everything wrong, at least one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)


C = TypeVar("C", bound=str)


def mask_url(url: str) -> str:
    """A database URL without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


class Reader:
    """All sections of one load."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.folder = Path()
        self._tree: dict[str, Any] = {}
        self._sections: list[str] = []
        self._variables: dict[str, str] = {}
        self._used: set[str] = set()

    def begin(self, tree: dict[str, Any], environ: Mapping[str, str], folder: Path) -> None:
        """What is to be read; `folder` is where relative secret files are looked for."""
        self._tree = tree
        self.folder = folder
        self._variables = {
            key: value
            for key, value in environ.items()
            if key.startswith("CTI_") and key not in _OWN_VARIABLES and not key.startswith("CTI_TEST_")
        }

    def add(self, key: str, text: str, text_en: str, suggestion: str = "", suggestion_en: str = "") -> None:
        """One more problem; a suggestion without words (a line of TOML) needs no translation."""
        self.problems.append(
            Problem(
                key=key,
                text=text,
                text_en=text_en,
                suggestion=suggestion,
                suggestion_en=suggestion_en or suggestion,
            )
        )

    def unknown(self, key: str, wrong: str, known: Sequence[str]) -> None:
        """A key that nobody reads."""
        close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
        if close:
            self.add(key, "不认识的设置", "Unknown setting", f"是不是想写 {close[0]}？", f"Did you mean {close[0]}?")
        else:
            listed = "、".join(known)
            self.add(key, "不认识的设置", "Unknown setting", f"可用的有：{listed}", f"Known here: {', '.join(known)}")

    def section(self, name: str) -> Table:
        """One plain section, empty where the file has none."""
        self._sections.append(name)
        found = self._tree.get(name, {})
        if not isinstance(found, dict):
            self.add(name, "应是一节", "Must be a section", f"[{name}]")
            found = {}
        return Table(self, name, found, self._variables)

    def tables(self, name: str) -> Iterator[tuple[str, Table]]:
        """The subsections of a section that is keyed by names of the site."""
        self._sections.append(name)
        found = self._tree.get(name, {})
        if not isinstance(found, dict):
            self.add(name, "应是一节", "Must be a section", f"[{name}.名称]", f"[{name}.name]")
            return
        for key, value in found.items():
            if isinstance(value, dict):
                yield key, Table(self, f"{name}.{key}", value, {})
            else:
                self.add(f"{name}.{key}", "应是一节", "Must be a section", f'[{name}."{key}"]')

    def use(self, variable: str) -> str | None:
        """Value of a variable, which counts as known from now on."""
        self._used.add(variable)
        return self._variables.get(variable)

    def end(self) -> None:
        """Report sections and variables that nobody has read."""
        for name in self._tree:
            if name not in self._sections:
                self.unknown(name, name, self._sections)
        for variable in self._variables:
            if variable not in self._used:
                self.unknown(variable, variable, sorted(self._used))


class Table:
    """One section being read."""

    def __init__(self, reader: Reader, name: str, values: dict[str, Any], variables: Mapping[str, str]) -> None:
        self._reader = reader
        self._name = name
        self._values = values
        self._has_variables = bool(variables) or "." not in name
        self._known: list[str] = []

    def end(self) -> None:
        """Report keys that nobody has read."""
        for key in self._values:
            if key not in self._known:
                self._reader.unknown(f"{self._name}.{key}", key, self._known)

    def _add(self, key: str, text: str, text_en: str, suggestion: str = "", suggestion_en: str = "") -> None:
        self._reader.add(f"{self._name}.{key}", text, text_en, suggestion, suggestion_en)

    def _get(self, key: str) -> Any:
        """The value, from a variable (then a str) or the file; None where neither has it."""
        if key not in self._known:
            self._known.append(key)
        if not self._has_variables:
            return self._values.get(key)
        variable = f"CTI_{self._name}_{key}".upper()
        plain, named = self._reader.use(variable), self._reader.use(f"{variable}_FILE")
        if named:
            return self._read(key, named)
        return self._values.get(key) if plain is None else plain

    def _read(self, key: str, name: str) -> str | None:
        path = Path(name)
        try:
            return (path if path.is_absolute() else self._reader.folder / path).read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError):
            self._add(
                key, f"读不了文件 {name}", f"The file {name} cannot be read", "看路径和权限", "See path and rights"
            )
            return None

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A text; `required` ones must not be empty."""
        value = self._get(key)
        if value is None and not required:
            return default
        if value is None or value == "":
            variable = f"CTI_{self._name}_{key}".upper()
            if required:
                self._add(
                    key,
                    "必须填写",
                    "Must be set",
                    f'{key} = "…"，或环境变量 {variable}',
                    f'{key} = "..." or {variable}',
                )
            return default
        if not isinstance(value, str):
            self._add(key, "应是文字，加引号", "Must be text, in quotes", f'{key} = "…"')
            return default
        return value

    def file(self, key: str) -> str:
        """A file that exists, relative to the settings file; '' where none is named."""
        named = self.text(key)
        if not named:
            return ""
        path = self._reader.folder / named
        if not path.is_file():
            self._add(key, f"找不到文件 {named}", f"There is no file {named}", "看路径", "See the path")
        return str(path)

    def folder(self, key: str) -> str | None:
        """A folder, '' for none; None where nothing is said."""
        return None if self._get(key) is None else self.text(key)

    def secret(self, key: str, *, required: bool) -> str:
        """A text that may stand in a file of its own, `<key>_file`; the value is never shown."""
        named = self._values.get(f"{key}_file")
        self._known.append(f"{key}_file")
        if isinstance(named, str) and self._values.get(key) is not None:
            self._add(key, f"{key} 与 {key}_file 只能写一个", f"Only one of {key} and {key}_file may stand")
        variable = f"CTI_{self._name}_{key}".upper()
        given = self._has_variables and {variable, f"{variable}_FILE"} & self._reader._variables.keys()
        if isinstance(named, str) and not given:
            self._get(key)
            value = self._read(f"{key}_file", named)
            if value == "":
                self._add(f"{key}_file", "文件是空的", "The file is empty")
            return value or ""
        return self.text(key, required=required)

    def refuse_control(self, key: str, value: str) -> None:
        """Control characters would break the line protocol these values are sent in."""
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            self._add(key, "含有换行或控制字符", "Holds a line break or control character")

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts; a variable separates them by commas."""
        value = self._get(key)
        if value is None:
            return default
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            self._add(key, "应是文字的列表，不能为空", "Must be a list of texts, not empty", f'{key} = ["…"]')
            return default
        return tuple(value)

    def names(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts that may be empty."""
        value = self._get(key)
        if value == [] or value == "":
            return ()
        return default if value is None else self.texts(key, default)

    def words(self, key: str) -> dict[str, str]:
        """A table of texts within a section: {name: text}; {} where none is given."""
        value = self._values.get(key)
        self._known.append(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            self._add(key, "应是一组文字", "Must be a table of texts", f'{key} = {{ text = "content" }}')
            return {}
        return dict(value)

    def all_texts(self) -> dict[str, str]:
        """Every key of a section whose keys are the site's."""
        found: dict[str, str] = {}
        for key, value in self._values.items():
            if isinstance(value, str):
                found[key] = value
            else:
                self._add(key, "应是文字，加引号", "Must be text, in quotes", f'"{key}" = "…"')
        return found

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """The subsections of a subsection that is keyed by names of the site."""
        self._known.append(key)
        found = self._values.get(key, {})
        if not isinstance(found, dict):
            self._add(key, "应是一节", "Must be a section", f"[{self._name}.{key}.name]")
            return
        for name, value in found.items():
            if isinstance(value, dict):
                yield name, Table(self._reader, f"{self._name}.{key}.{name}", value, {})
            else:
                self._add(f"{key}.{name}", "应是一节", "Must be a section", f"[{self._name}.{key}.{name}]")

    def table(self, key: str) -> Table:
        """One subsection, empty where there is none."""
        found = self.raw(key)
        if not isinstance(found, dict):
            self._add(key, "应是一节", "Must be a section", f"[{self._name}.{key}]")
            found = {}
        return Table(self._reader, f"{self._name}.{key}", found, {})

    def raw(self, key: str) -> Any:
        """A value as it stands in the file, {} for none; its shape is the caller's."""
        self._known.append(key)
        return self._values.get(key, {})

    def number(self, key: str, default: float, *, at_least: float, at_most: float) -> float:
        """A number within bounds."""
        value = self._number(key)
        if value is None:
            return default
        if not at_least <= value <= at_most:
            self._add(
                key,
                f"应在 {at_least:g} 与 {at_most:g} 之间",
                f"Must be {at_least:g} to {at_most:g}",
                f"{key} = {default:g}",
            )
            return default
        return value

    def port(self, key: str, default: int) -> int:
        """A TCP port; 0 lets the system choose."""
        value = self._number(key)
        if value is None:
            return default
        if value != int(value) or not 0 <= value <= 65535:
            self._add(key, "应是 0 到 65535 的整数", "Must be a whole number from 0 to 65535", f"{key} = {default}")
            return default
        return int(value)

    def seconds(self, key: str, default: Any, *, at_least: float) -> Any:
        """A span of time in seconds, at most a day."""
        value = self._number(key)
        if value is None:
            return default
        if not at_least <= value <= 86400:
            self._add(
                key,
                f"应是 {at_least:g} 到 86400 秒",
                f"Must be {at_least:g} to 86400 seconds",
                f"{key} = {13 if default is None else default:g}",
            )
            return default
        return value

    def share(self, key: str, default: float) -> float:
        """A share, 0 to 1."""
        value = self._number(key)
        if value is None:
            return default
        if not 0 < value <= 1:
            hint = value / 100 if 1 < value <= 100 else default
            self._add(key, "应在 0 与 1 之间", "Must lie between 0 and 1", f"{key} = {hint:g}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(key)
        if value is None:
            return default
        if isinstance(value, str) and value.lower() in ("true", "1", "yes", "false", "0", "no"):
            return value.lower() in ("true", "1", "yes")
        if not isinstance(value, bool):
            self._add(key, "应是 true 或 false", "Must be true or false", f"{key} = true")
            return default
        return value

    def choice(self, key: str, known: tuple[C, ...]) -> C:
        """One of a few words; the first is the default."""
        value = self._get(key)
        if value is None:
            return known[0]
        for word in known:
            if value == word:
                return word
        close = difflib.get_close_matches(str(value), known, n=1, cutoff=0.3)
        listed = " / ".join(known)
        self._add(
            key, f"应是 {listed} 之一", f"Must be one of {listed}", f'{key} = "{close[0] if close else known[0]}"'
        )
        return known[0]

    def timezone(self, key: str, default: str) -> str:
        """A name of the IANA time zone list."""
        value = self.text(key, default)
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            close = difflib.get_close_matches(value, sorted(available_timezones()), n=1, cutoff=0.4)
            self._add(key, "没有这个时区", "There is no such time zone", f'{key} = "{close[0] if close else default}"')
            return default
        return value

    def area_code(self, key: str) -> str:
        """An area code; a leading 0 is taken off."""
        value = self._get(key)
        if value is None or value == "":
            return ""
        digits = str(value).removeprefix("0")
        if not isinstance(value, str) or not re.fullmatch(r"10|2\d|[3-9]\d\d", digits, re.ASCII):
            self._add(key, "应是区号，加引号", "Must be an area code, in quotes", f'{key} = "0574"')
            return ""
        return digits

    def origins(self, key: str) -> tuple[str, ...]:
        """Exact web origins: scheme, host and port, nothing else."""
        found = self.texts(key, ()) if self._get(key) not in (None, []) else ()
        for origin in found:
            shown = mask_url(origin)
            try:
                parts = urlsplit(origin)
                exact = parts.scheme in ("http", "https") and bool(parts.hostname) and "*" not in origin
                exact = exact and origin == f"{parts.scheme}://{parts.netloc}" and "@" not in origin
                _ = parts.port
            except ValueError:
                exact = False
            if not exact:
                self._add(
                    key,
                    f"{shown} 不是完整的来源地址（协议、主机、端口，不带路径和 *）",
                    f"{shown} is not an exact origin (scheme, host, port; no path, no *)",
                    f'{key} = ["https://cti.example.com"]',
                )
        return tuple(origin.lower() for origin in found)

    def database_url(self, key: str, default: str) -> str:
        """A SQLAlchemy URL of a database this program speaks; shown without its password."""
        value = self.text(key, default)
        scheme = value.partition("://")[0].partition("+")[0]
        if "://" not in value or scheme not in _DATABASES:
            close = difflib.get_close_matches(scheme, _DATABASES, n=1, cutoff=0.4)
            self._add(
                key,
                "不是可用的数据库地址，应以 sqlite:/// 或 postgresql:// 开头",
                "Not a usable database URL; it begins with sqlite:/// or postgresql://",
                f'{key} = "{"postgresql://cti@localhost/cti" if close == ["postgresql"] else "sqlite:///cti.db"}"',
            )
        return value

    def _number(self, key: str) -> float | None:
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, str) and self._has_variables:
            try:
                value = float(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._add(key, "应是数字，不加引号", "Must be a number, without quotes", f"{key} = 1")
            return None
        return float(value)
