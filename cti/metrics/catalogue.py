"""Every metric there is: its name, what it says, and what to do about it, in both languages.

docs/reference/metrics.md is written from this by scripts/write_metrics_reference.py.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

PREFIX: Final = "thirteen_"

Kind = Literal["gauge", "counter", "histogram"]


class Metric(msgspec.Struct, frozen=True):
    """One family of series, in words for people."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    text: str
    "What it says, in Chinese."
    text_en: str
    do: str = ""
    "What to do about it, and when; '' where it only helps to understand."
    do_en: str = ""

    @property
    def full(self) -> str:
        """As Prometheus knows it."""
        return self.name if self.name.startswith("process_") else PREFIX + self.name


_PBX: Final = ("pbx",)
_KIND: Final = ("kind",)
_BOTH: Final = ("pbx", "kind")

CATALOGUE: Final = (
    # --- the service ------------------------------------------------------------------------------------------
    Metric(
        "ready",
        "gauge",
        (),
        "1：来电能弹屏（与 /readyz 相同）",
        "1 when calls can be shown (as /readyz)",
        "为 0 时打开 /readyz，它写明哪一部分为什么不行",
        "at 0 open /readyz: it names the part and why",
    ),
    Metric("build_info", "gauge", ("version",), "总是 1；标签是程序版本", "always 1; the program's version"),
    Metric(
        "store_ok",
        "gauge",
        (),
        "1：数据库在应答，写得进去",
        "1 while the database answers and takes what is written",
        "为 0 时弹屏照常，通话先存在本机；尽快恢复数据库",
        "at 0 pops go on and calls are kept on this machine; bring the database back",
    ),
    Metric(
        "crm_ok",
        "gauge",
        (),
        "1：客户库在应答",
        "1 while the CRM answers",
        "为 0 时弹屏只有号码；查客户库",
        "at 0 pops show numbers only; see to the CRM",
    ),
    Metric("open_calls", "gauge", (), "此刻的通话数", "calls now"),
    Metric("pages", "gauge", (), "打开的页面数", "open pages"),
    Metric("pops", "gauge", (), "此刻的弹屏数", "pops now"),
    Metric(
        "waiting",
        "gauge",
        ("queue",),
        "此刻在队列里等待的人数（只有设置里写了的队列）",
        "callers who wait in a queue (those of the settings)",
    ),
    Metric(
        "ring_to_pop_seconds",
        "histogram",
        (),
        "从振铃到页面画出弹屏的时间（直方图）",
        "from the ring to the pop drawn at a page (a histogram)",
        "p99 应在 0.3 秒以内；变慢先看 loop_lag_seconds 和机器负载",
        "the p99 should stay under 0.3 s; when it grows, look at loop_lag_seconds and the machine's load first",
    ),
    # --- the PBXs ---------------------------------------------------------------------------------------------
    Metric(
        "pbx_live",
        "gauge",
        _PBX,
        "1：与这台交换机的连接正常，状态已读全",
        "1 while the link to this PBX is live and its state is read",
        "为 0 超过 10 秒：查 Asterisk、网络、manager.conf",
        "at 0 for more than 10 s: see to Asterisk, the network, manager.conf",
    ),
    Metric(
        "pbx_leader",
        "gauge",
        _PBX,
        "1：本机负责这台交换机的写入和外呼（各机之和应为 1）",
        "1 while this node writes and acts for this PBX (over all nodes the sum is 1)",
        "各机之和为 0：没有一台能同时连上交换机和数据库",
        "a sum of 0: no node has both the PBX and the database",
    ),
    Metric(
        "pbx_epoch",
        "gauge",
        _PBX,
        "本机租约的序号，不领导时为 0；每换一次加一",
        "number of this node's lease, 0 while it stands by; grows with each change",
    ),
    Metric(
        "pbx_reconnects_total",
        "counter",
        _PBX,
        "与这台交换机断开的次数",
        "times the link to this PBX was lost",
        "一小时内多次：查网络，manager.conf 的 writetimeout",
        "several within an hour: see to the network and manager.conf's writetimeout",
    ),
    Metric(
        "pbx_audit_corrections_total",
        "counter",
        _PBX,
        "巡检发现并改正的差异；平时为 0",
        "differences that the audit found and put right; normally 0",
        "一直增加：交换机在丢事件，看 link_total 的 overruns 和日志",
        "grows steadily: the PBX loses events; see overruns of link_total, and the log",
    ),
    Metric(
        "pbx_backlog",
        "gauge",
        _PBX,
        "等待写入数据库的通话数",
        "calls that wait to be written",
        "持续增加：数据库慢或不可用",
        "grows steadily: the database is slow or away",
    ),
    Metric(
        "link_waiting",
        "gauge",
        (),
        "已收到、还没处理的交换机消息",
        "packets of the PBX received and not handled yet",
        "长时间大于 1000：机器太忙",
        "more than 1000 for long: the machine is too busy",
    ),
    Metric(
        "link_total",
        "counter",
        _KIND,
        "交换机连接上的事：lost 断开，resyncs 重新读取状态，audit_corrections 巡检改正，overruns 来不及处理，"
        "callback_errors 程序出错，rejected_* 被拒的可疑消息，oversized、malformed、odd、doubts、truncated 结构可疑，"
        "unwanted 用不到的",
        "what happened on the link: lost, resyncs, audit_corrections, overruns (more than could be kept up with), "
        "callback_errors (errors of this program), rejected_* (packets held for forged), oversized, malformed, odd, "
        "doubts, truncated (structure in doubt), unwanted (not needed)",
        "callback_errors 增加请报告；rejected_* 增加：有人在伪造来电信息，见 extensions.conf 的 FILTER",
        "report callback_errors; rejected_* grow where somebody forges caller ids: see FILTER in extensions.conf",
    ),
    Metric("core_odd_total", "counter", _KIND, "通话核心遇到的不合常理的消息", "packets that the core found odd"),
    # --- writing ----------------------------------------------------------------------------------------------
    Metric(
        "writer_backlog",
        "gauge",
        (),
        "等待写入数据库的通话数（全部交换机）",
        "calls that wait to be written, of all PBXs",
    ),
    Metric(
        "writer_total",
        "counter",
        _KIND,
        "通话写入：written 已写，refused 数据库拒收",
        "calls: written, and refused by the database",
        "refused 增加请看日志",
        "refused grows: see the log",
    ),
    Metric(
        "journal_bytes",
        "gauge",
        _PBX,
        "数据库不可用时，本机暂存文件的大小",
        "size of what is kept on this machine while the database is away",
        "接近设置的上限：恢复数据库，或腾出磁盘",
        "near the limit of the settings: bring the database back, or make room on the disk",
    ),
    Metric("journal_age_seconds", "gauge", _PBX, "暂存文件里最早一条的年龄", "age of the first entry in there"),
    Metric(
        "journal_ok",
        "gauge",
        _PBX,
        "1：暂存文件写得进去",
        "1 while it takes what it should keep",
        "为 0：磁盘满了或没有权限；此时数据库若再不可用就会丢记录",
        "at 0 the disk is full or not writable: with the database away, records would be lost",
    ),
    Metric(
        "journal_total",
        "counter",
        _BOTH,
        "暂存：journalled 已存，replayed 已补写，spoilt 损坏，lost 过期丢弃，failures 写失败",
        "journalled: kept, replayed: written later, spoilt: damaged, lost: too old, failures: could not be kept",
        "lost、spoilt 不为 0：有通话没有记下，用 cti reconcile 核对",
        "lost or spoilt above 0: calls were not written down; compare by cti reconcile",
    ),
    Metric(
        "board_journal_total",
        "counter",
        _KIND,
        "看板回放的记录：given_up 没写下的",
        "the board's journal for replays: given_up could not be written",
    ),
    # --- nodes ------------------------------------------------------------------------------------------------
    Metric(
        "relay_up",
        "gauge",
        (),
        "1：Redis 可用（只在设了 redis.url 时有）",
        "1 while Redis works (only where redis.url is set)",
        "为 0：弹屏在交换机所连的机器上照常，其他机器看不到；查 Redis",
        "at 0 pops go on where the PBX is linked, other nodes do not see them; see to Redis",
    ),
    Metric(
        "relay_total",
        "counter",
        _KIND,
        "各机之间：told 说出，dropped 因 Redis 不可用太久而丢弃，holes 发现漏掉而重取全貌，rejected 不是我们的或损坏的",
        "between nodes: told, dropped (Redis was away for too long), holes (something was missed and a snapshot asked "
        "for), rejected (none of ours, or spoilt)",
        "rejected 不为 0：有别的程序在用同一个流名，改 redis.stream",
        "rejected above 0: something else writes to this stream; change redis.stream",
    ),
    Metric(
        "leads_site",
        "gauge",
        (),
        "1：本机负责全站的定时事务（各机之和应为 1）",
        "1 while this node does what the site does once (over all nodes the sum is 1)",
    ),
    # --- pages ------------------------------------------------------------------------------------------------
    Metric(
        "events_total", "counter", _KIND, "published 内部事件，pops 弹屏", "published: events inside, pops: pops shown"
    ),
    Metric(
        "subscriber_failures_total",
        "counter",
        _KIND,
        "程序某一部分处理事件时出错",
        "a part of the program failed on an event",
        "不为 0 请连同日志报告",
        "above 0: please report it with the log",
    ),
    Metric(
        "push_total",
        "counter",
        _KIND,
        "推送：frames 帧，snapshots 全貌，seen 已画出的弹屏，skipped 因太慢跳过，closed_slow 因太慢关闭，"
        "refused 拒绝的连接",
        "push: frames, snapshots, seen (pops drawn), skipped (page too slow), closed_slow (page closed for it), "
        "refused (handshakes)",
        "closed_slow 增加：坐席的网络或电脑太慢",
        "closed_slow grows: agents' network or computers are slow",
    ),
    Metric(
        "push_closed_total",
        "counter",
        ("code",),
        "服务端关闭的推送连接：4001 请登录，4003 无权，4008 太慢，1012 重启",
        "push connections closed by the service: 4001 log in, 4003 no right, 4008 too slow, 1012 restarting",
    ),
    Metric(
        "connections_shed_total",
        "counter",
        ("listener",),
        "因文件句柄将尽而关掉的新连接",
        "new connections closed because open files run out",
        "不为 0：加大 LimitNOFILE，或有人在大量连接",
        "above 0: raise LimitNOFILE, or somebody opens masses of connections",
    ),
    Metric(
        "lane_failures_total",
        "counter",
        _KIND,
        "各条读取通道（客户库、数据库）失败的次数",
        "failed questions to the CRM and the store, by lane",
        "持续增加：对应的库慢或不可用",
        "grows steadily: that database is slow or away",
    ),
    # --- what stands beside -----------------------------------------------------------------------------------
    Metric(
        "alerts_total",
        "counter",
        _KIND,
        "提醒：raised 发出，given_up 记不下",
        "alerts: raised, given_up (could not be logged)",
    ),
    Metric("sms_callbacks_total", "counter", _KIND, "短信平台的回调", "callbacks of SMS platforms"),
    Metric("writeback_waiting", "gauge", (), "等待写回客户库的条数", "changes that wait to be written back to the CRM"),
    Metric(
        "writeback_retrying",
        "gauge",
        (),
        "写回失败、正在重试的条数",
        "of them tried again",
        "持续不降：查客户库",
        "stays up: see to the CRM",
    ),
    Metric(
        "writeback_refused",
        "gauge",
        (),
        "客户库拒收的条数",
        "refused by the CRM",
        "不为 0：在客户页面看原因后重试",
        "above 0: see why at the customers' page, then retry",
    ),
    Metric("writeback_calls_to_put", "gauge", (), "等待写回的通话", "calls that wait to be put into the CRM"),
    Metric("writeback_calls_given_up", "gauge", (), "放弃写回的通话", "calls given up"),
    Metric(
        "writeback_ok",
        "gauge",
        (),
        "1：写回正常",
        "1 while writing back works",
        "为 0：查客户库",
        "at 0: see to the CRM",
    ),
    # --- the process ------------------------------------------------------------------------------------------
    Metric(
        "loop_lag_seconds",
        "gauge",
        (),
        "最近一分钟里事件循环最长的停顿",
        "the longest stall of the event loop within the last minute",
        "超过 0.2 秒：日志里有当时的调用栈",
        "above 0.2 s: the log has the stack of that moment",
    ),
    Metric(
        "loop_stalls_total",
        "counter",
        (),
        "停顿超过 0.2 秒的次数",
        "stalls longer than 0.2 s",
        "增加：把日志里的调用栈报告给我们；先看机器是否太忙",
        "grows: report the stack from the log; see first whether the machine is too busy",
    ),
    Metric(
        "process_resident_memory_bytes",
        "gauge",
        (),
        "占用的内存",
        "memory of the process",
        "一直增加：请报告；接近 MemoryMax 会被重启",
        "grows without end: please report it; near MemoryMax the process is restarted",
    ),
    Metric("process_cpu_seconds_total", "counter", (), "用掉的处理器时间", "processor time used"),
    Metric(
        "process_open_fds",
        "gauge",
        (),
        "打开的文件和连接",
        "open files and connections",
        "接近 process_max_fds：新连接会被关掉",
        "near process_max_fds new connections are shed",
    ),
    Metric("process_max_fds", "gauge", (), "允许打开的上限", "how many it may open"),
    Metric("process_start_time_seconds", "gauge", (), "启动时间（Unix 秒）", "when it started, epoch seconds"),
)
"Every metric there is, in the order in which /metrics tells them."
