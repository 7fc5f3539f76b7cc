"""Addresses of Redis: every form is read whole, every wrong one is told in words, no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.settings import Settings, SettingsError
from cti.settings.redis_url import RedisUrl, RedisUrlError, parse, shown

HUSH = "op@n:se/same?1"
WRITTEN = "op%40n%3Ase%2Fsame%3F1"


@pytest.mark.parametrize(
    ("url", "read", "text"),
    [
        ("redis://127.0.0.1", RedisUrl(hosts=(("127.0.0.1", 6379),)), "redis://127.0.0.1:6379/0"),
        ("redis://r.example:6380/3", RedisUrl(hosts=(("r.example", 6380),), db=3), "redis://r.example:6380/3"),
        (
            f"redis://:{WRITTEN}@[::1]:6380/",
            RedisUrl(hosts=(("::1", 6380),), password=HUSH),
            "redis://:***@[::1]:6380/0",
        ),
        (
            f"rediss://cti:{WRITTEN}@r/1?ca=/etc/ca.pem&cert=/etc/c.pem&key=/etc/k.pem",
            RedisUrl(
                hosts=(("r", 6379),),
                db=1,
                tls=True,
                user="cti",
                password=HUSH,
                ca="/etc/ca.pem",
                cert="/etc/c.pem",
                key="/etc/k.pem",
            ),
            "rediss://cti:***@r:6379/1",
        ),
        (
            "redis+sentinel://10.0.0.1,10.0.0.2:26380,s3/thirteen",
            RedisUrl(hosts=(("10.0.0.1", 26379), ("10.0.0.2", 26380), ("s3", 26379)), service="thirteen"),
            "redis+sentinel://10.0.0.1:26379,10.0.0.2:26380,s3:26379/thirteen/0",
        ),
        (
            f"rediss+sentinel://cti:{WRITTEN}@s1,s2/a.b/2?sentinel_password=%2Bhush&ca=ca.pem",
            RedisUrl(
                hosts=(("s1", 26379), ("s2", 26379)),
                service="a.b",
                db=2,
                tls=True,
                user="cti",
                password=HUSH,
                sentinel_password="+hush",
                ca="ca.pem",
            ),
            "rediss+sentinel://cti:***@s1:26379,s2:26379/a.b/2",
        ),
    ],
)
def test_every_form_is_read_and_shown_without_its_password(url: str, read: RedisUrl, text: str) -> None:
    """All four schemes, with and without passwords, files and databases; what is shown holds no secret."""
    assert parse(url) == read
    assert shown(url) == text
    assert text in repr(read)
    for hush in (HUSH, WRITTEN, "hush", "/etc"):
        assert hush not in repr(read)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "http://r",
        "redis://",
        "redis://a,b",
        "redis://r:0",
        "redis://r:99999",
        "redis://r/x",
        "redis://r/99999",
        "redis://r/0/1",
        "redis://:open-sesame@r extra",
        "redis://:open-sesame@r\nb",
        "redis://:open@sesame@r",
        "redis://:open/sesame@r",
        "redis://:open-sesame%zz@r",
        "redis://:open-sesame%ff@r",
        "redis://:open-sesame%0a@r",
        "redis://:open-sesame#@r",
        "redis://r?ca=/etc/ca.pem",
        "rediss://r?ca=/etc/ca.pem&ca=x",
        "rediss://r?cert=/etc/open-sesame.pem",
        "rediss://r?verify=no",
        "redis+sentinel://r",
        "redis+sentinel://r/",
        "redis+sentinel://r/a b",
        "redis+sentinel://:open-sesame@/name",
        "redis://r?sentinel_password=open-sesame",
        "redis://" + "r," * 900,
    ],
)
def test_wrong_addresses_are_told_in_both_languages_without_the_secret(url: str) -> None:
    """What is none is refused in words; neither they nor what is shown hold any of it."""
    with pytest.raises(RedisUrlError) as told:
        parse(url)
    assert any("一" <= char <= "鿿" for char in told.value.text)
    assert told.value.text_en.isascii()
    for said in (told.value.text, told.value.text_en, repr(told.value), shown(url)):
        assert "open" not in said
        assert "sesame" not in said


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(max_size=20).map(lambda text: "暗号" + text))
def test_any_text_is_an_address_or_is_refused(rest: str, hush: str) -> None:
    """Whatever stands in the setting: a struct or words, and the password in neither."""
    for scheme in ("redis", "rediss", "redis+sentinel", "rediss+sentinel"):
        try:
            read = parse(f"{scheme}://:{hush}@{rest}")
        except RedisUrlError as told:
            assert hush not in told.text  # noqa: PT017
        else:
            assert read.hosts
            assert f":{hush}@" not in repr(read)


def load(folder: Path, url: str) -> Settings:
    """Settings of a node with this address."""
    file = folder / "cti.toml"
    file.write_text('[pbx]\nhost = "127.0.0.1"\nusername = "u"\nsecret = "s"\n[store]\nurl = "postgresql://db/cti"\n')
    return Settings.load(file, {"CTI_REDIS_URL": url})


def test_settings_take_an_address_and_tell_a_wrong_one_or_a_missing_file(tmp_path: Path) -> None:
    """The key, both languages, a suggestion; the password stands neither there nor in `repr`."""
    assert load(tmp_path, f"redis://:{WRITTEN}@r").redis.url == f"redis://:{WRITTEN}@r"
    assert "sesame" not in repr(load(tmp_path, f"redis+sentinel://:{WRITTEN}@r/s?sentinel_password=sesame"))
    for url in ("redis://:open@sesame@r", f"rediss://:{WRITTEN}@r?ca={tmp_path}/no.pem"):
        with pytest.raises(SettingsError) as told:
            load(tmp_path, url)
        assert [problem.key for problem in told.value.problems] == ["redis.url"]
        assert "sesame" not in str(told.value)
