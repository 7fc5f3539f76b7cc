"""The samples of config/asterisk as a reader finds them."""

from __future__ import annotations

import re

from tests.asterisk.site import RENAMED, SAMPLES, Names, Site


def test_every_setting_of_the_samples_is_explained() -> None:
    """Each setting and step stands below a comment; lines without a blank one between them may share it."""
    for sample in sorted(SAMPLES.glob("*.conf")):
        explained = False
        for number, line in enumerate(sample.read_text(encoding="utf-8").splitlines(), 1):
            if not line:
                explained = False
            elif line.startswith(";"):
                explained = True
            elif not line.startswith("["):
                assert explained, f"{sample.name}:{number}: {line}"


def test_comments_speak_chinese_and_english() -> None:
    """Who keeps the PBX may read either."""
    for sample in sorted(SAMPLES.glob("*.conf")):
        comments = " ".join(re.findall(r"^;(.*)$", sample.read_text(encoding="utf-8"), re.MULTILINE))
        assert re.search(r"[\u4e00-\u9fff]{4}", comments), sample.name
        assert re.search(r"[A-Za-z]{4}", comments), sample.name


def test_no_sample_holds_a_secret_that_works_as_it_stands() -> None:
    """A secret in a sample says that it must be changed."""
    for sample in sorted(SAMPLES.glob("*.conf")):
        for secret in re.findall(r"^;?secret\s*=\s*(.*)$", sample.read_text(encoding="utf-8"), re.MULTILINE):
            assert "change-me" in secret, sample.name


def test_renamed_site_keeps_no_name_of_the_samples() -> None:
    """In the renamed site's files no phone, member, queue, line or context of the samples is left."""
    names = Names()
    renamed = Site(names=RENAMED, hop="/n")
    words = {*names.phones[:8], *names.members, *names.lines, "europe", "seasia", "from-trunk", "queue-europe"}
    for sample in ("queues.conf", "extensions.conf"):
        text = re.sub(r"^;.*$", "", renamed.sample(sample), flags=re.MULTILINE)
        left = [word for word in words if re.search(rf"(?<![\w-]){word}(?![\w-])", text)]
        assert left == [], sample
