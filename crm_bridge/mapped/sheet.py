"""A customer list in CSV or XLSX, read like a database: its rows in a table `sheet` of a temporary SQLite file.

Columns are known by their heads, in any of the usual words; a head that is not known keeps its own name. A row is
named by its number column where there is one, else by company and name, so that a row put in above moves nobody.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import sqlite3
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from crm_bridge.mapped import values
from crm_bridge.mapped.mapping import SourceSpec
from crm_bridge.model import CrmError

MAX_ROWS: Final = 500_000
MAX_COLUMNS: Final = 120
MAX_FILE: Final = 200_000_000
"Bytes, unpacked: an .xlsx that promises more is refused."

HEADS: Final[dict[str, tuple[str, ...]]] = {
    "no": ("编号", "客户编号", "序号id", "id", "code", "客户代码", "代码", "customer no", "customer id"),
    "company": (
        "公司",
        "公司名称",
        "客户名称",
        "客户",
        "单位",
        "单位名称",
        "企业名称",
        "company",
        "customer",
        "account",
    ),
    "name": ("姓名", "联系人", "联系人姓名", "联络人", "name", "contact", "contact name"),
    "phone": ("电话", "联系电话", "电话号码", "固话", "座机", "办公电话", "tel", "telephone", "phone"),
    "mobile": ("手机", "手机号", "手机号码", "移动电话", "mobile", "cell", "联系方式"),
    "fax": ("传真", "fax"),
    "other_phone": ("其他电话", "备用电话", "电话2", "手机2", "other phone"),
    "qq": ("qq", "qq号", "qq号码"),
    "wechat": ("微信", "微信号", "wechat"),
    "email": ("邮箱", "邮件", "电子邮箱", "email", "e-mail", "mail"),
    "role": ("职务", "职位", "岗位", "title", "position", "role"),
    "category": ("分类", "类别", "客户分类", "客户类型", "类型", "category", "type"),
    "tier": ("等级", "客户等级", "级别", "tier", "grade", "level"),
    "owner": ("业务员", "负责人", "销售", "跟进人", "owner", "sales"),
    "lanes": ("常走", "航线", "常走航线", "lanes"),
    "cargo": ("货名", "品名", "产品", "cargo", "goods"),
    "address": ("地址", "address"),
    "remark": ("备注", "说明", "remark", "remarks", "note", "notes"),
}


class SheetError(CrmError):
    """The file cannot be read."""

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text, text_en=text_en, permanent=False)


class Sheet:
    """A file and the table it was read into."""

    def __init__(self, path: Path, name: str = "") -> None:
        """Reads the file. Raises SheetError."""
        self._path = path
        self._name = name
        self._folder = Path(tempfile.mkdtemp(prefix="thirteen-sheet-"))
        self._seen: tuple[int, int] | None = None
        self.read_at = 0.0
        "When the file was read last, epoch seconds."
        self.heads: list[str] = []
        "As they stand in the file."
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def source(self, spec: SourceSpec) -> SourceSpec:
        """The same source with the table's address."""
        return msgspec.structs.replace(spec, url=f"sqlite:///{self._folder}/sheet.db", file="", charset="")

    def refresh(self) -> bool:
        """Read the file again if it changed; whether it did. Raises SheetError."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise SheetError("找不到表格文件", "There is no such spreadsheet") from error
        now = (stat.st_mtime_ns, stat.st_size)
        if now == self._seen:
            return False
        if stat.st_size > MAX_FILE:
            raise SheetError("表格文件太大", "The spreadsheet is too large")
        rows = _xlsx(self._path, self._name) if self._path.suffix.lower() in (".xlsx", ".xlsm") else _csv(self._path)
        self._fill(rows)
        self._seen = now
        self.read_at = datetime.now(UTC).timestamp()
        return True

    def close(self) -> None:
        """Take the table away."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fill(self, rows: Iterator[Sequence[str]]) -> None:
        # A title above the heads is usual: the heads are the first row in which two words are known.
        heads: list[str] = []
        for row in rows:
            heads = _known(row)
            if len([head for head in heads if head in HEADS]) >= 2:
                self.heads = list(row)[:MAX_COLUMNS]
                break
        else:
            raise SheetError(
                "表格里没有认得的表头，如 公司、联系人、电话", "No heads are known, such as company, name, phone"
            )
        with sqlite3.connect(self._folder / "sheet.db") as connection:
            columns = ["row_id", *HEADS, *(head for head in heads if head and head not in HEADS)]
            declared = ", ".join(f"{_quoted(column)} TEXT" for column in columns)
            connection.execute("DROP TABLE IF EXISTS sheet")
            connection.execute(f"CREATE TABLE sheet ({declared}, PRIMARY KEY (row_id))")
            marks = ", ".join("?" for _ in columns)
            connection.executemany(
                f"INSERT INTO sheet VALUES ({marks})",  # noqa: S608 - question marks
                ([row.get(column, "") for column in columns] for row in _named(rows, heads)),
            )
        connection.close()


def _known(row: Sequence[str]) -> list[str]:
    """Our name of each head, each once; its own where we have none, '' for an empty one."""
    words = {word: key for key, spelled in HEADS.items() for word in spelled}
    found: list[str] = []
    for head in list(row)[:MAX_COLUMNS]:
        plain = head.strip().lower().strip("*：: ")
        key = words.get(plain, plain)[:60]
        while key in found:
            key = "other_phone" if key in ("phone", "mobile") and "other_phone" not in found else f"{key}_"
        found.append("" if not plain else key if key != "row_id" else "row_id_")
    return found


def _named(rows: Iterable[Sequence[str]], heads: list[str]) -> Iterator[dict[str, str]]:
    numbers: Counter[str] = Counter()
    for count, cells in enumerate(rows):
        if count >= MAX_ROWS:
            return
        row = {head: cell for head, cell in zip(heads, cells, strict=False) if head and cell}
        if not row:
            continue
        identity = row.get("no") or "\n".join(row.get(key, "") for key in ("company", "name"))
        if not identity.strip():
            identity = row.get("mobile") or row.get("phone") or "\n".join(row.values())
        numbers[identity] += 1
        digest = hashlib.blake2b(f"{identity}\n{numbers[identity]}".encode(), digest_size=12).hexdigest()
        yield {**row, "row_id": digest}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("\x00", "") + '"'


def _csv(path: Path) -> Iterator[Sequence[str]]:
    raw = path.read_bytes()
    text = ""
    for charset in (
        ("utf-8-sig", "gb18030", "utf-16") if not raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-16",)
    ):
        try:
            text = raw.decode(charset)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = raw.decode("gb18030", "replace")
    sample = text[:4000]
    delimiter = max((",", "\t", ";"), key=sample.count)
    reader = csv.reader(io.StringIO(text.replace("\x00", "")), delimiter=delimiter)
    try:
        for row in reader:
            yield [values.text(cell) for cell in row]
    except csv.Error as error:
        raise SheetError("CSV 文件有误", "The CSV cannot be read") from error


def _xlsx(path: Path, name: str) -> Iterator[Sequence[str]]:
    import openpyxl  # here: a start in which everybody waits need not wait for it, too

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_FILE:
                raise SheetError("表格文件太大", "The spreadsheet is too large")
        book: Any = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except SheetError:
        raise
    except Exception as error:  # whatever a file that only looks like one brings up
        raise SheetError("XLSX 文件有误", "The XLSX cannot be read") from error
    try:
        if name and name not in book.sheetnames:
            raise SheetError("XLSX 里没有这个工作表", "The XLSX has no such sheet")
        sheet = book[name] if name else book[book.sheetnames[0]]
        for row in sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS):
            yield [values.text(cell) for cell in row]
    finally:
        book.close()
