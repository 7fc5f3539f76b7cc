"""Writes docs/reference/metrics.md from cti/metrics/catalogue.py (run it after changing a metric)."""

from __future__ import annotations

import sys
from pathlib import Path

from cti.metrics.catalogue import CATALOGUE, Metric

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/reference/metrics.md"
_HEAD = """# 指标 / Metrics

`/metrics` 是 Prometheus 文本格式（0.0.4），不含任何客户资料。标签只取程序自己的词和设置里写的名字（交换机、队列），
来电者造不出新的序列；每个指标最多 200 条序列，多出的合并为 `other`。`counter` 从启动时数起，重启归零，只看增量
（`increase(...[5m])`）。告警规则在 `config/prometheus/alerts.yml`，每条告警各有一页
[处置说明](../howto/runbook/README.md)；面板在 `config/grafana/thirteen.json`。

`/metrics` is Prometheus' text format (0.0.4) without any customer's data. Labels are words of the program or names from
the settings (PBXs, queues): callers cannot make series; each metric has at most 200 of them, the rest is summed up as
`other`. A `counter` begins at the start of the process: look at its increase. The alerts are in
`config/prometheus/alerts.yml`, each with a [page of its own](../howto/runbook/README.md); the dashboard is
`config/grafana/thirteen.json`. Written by `scripts/write_metrics_reference.py`.

Where Prometheus fetches it / 让 Prometheus 来取：

```yaml
scrape_configs:
  - job_name: thirteen
    static_configs: [{targets: ["127.0.0.1:8080"]}]
rule_files: [alerts.yml]
```

The proxy samples of `config/proxy/` do not keep `/metrics` from browsers: it tells no customer's data, but how busy the
site is. Whoever minds closes it there. / 代理示例不拦 `/metrics`；不想让外面看到就在代理里拦住。

| 名称 name | 类型 type | 标签 labels | 说明 meaning | 怎么办 what to do |
|---|---|---|---|---|
"""


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    said = [f"{zh}<br>{en}" if zh else "" for zh, en in ((metric.text, metric.text_en), (metric.do, metric.do_en))]
    return f"| `{metric.full}` | {metric.kind} | {labels} | {said[0]} | {said[1]} |\n"


def reference() -> str:
    """The page's text."""
    return _HEAD + "".join(map(_row, CATALOGUE))


if __name__ == "__main__":
    TARGET.write_text(reference())
    sys.stdout.write(f"{TARGET.relative_to(ROOT)} written\n")
