"""What is measured is written down, in both languages, and what stands in rules and dashboards is measured."""

from __future__ import annotations

from cti.metrics.catalogue import CATALOGUE
from scripts.write_metrics_reference import TARGET, reference


def test_metrics_page_is_written_from_the_catalogue() -> None:
    """docs/reference/metrics.md is what the script writes from the code."""
    assert TARGET.read_text() == reference(), "run python -m scripts.write_metrics_reference"


def test_every_metric_is_told_in_both_languages_and_named_as_prometheus_wants() -> None:
    """Counters end in _total, others do not; a hint what to do stands in both languages or in neither."""
    assert len({metric.full for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
        assert bool(metric.do) == bool(metric.do_en), metric.name
        for zh, en in ((metric.text, metric.text_en), (metric.do, metric.do_en)):
            assert en.isascii(), metric.name
            assert not zh or any("一" <= char <= "鿿" for char in zh), metric.name
            assert "|" not in zh + en, metric.name
