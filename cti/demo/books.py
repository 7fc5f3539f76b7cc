"""The sample's knowledge base, in all six categories, and its conversations nobody is known for yet. All invented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crm_bridge.chat.archive import ChatArchive
from crm_bridge.chat.message import Message
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.embedded.quoting import QuoteDraft
from crm_bridge.knowledge import Draft, KnowledgeBase

HOUR: Final = 3600.0

_ARTICLES: Final = """
company|article|我们是谁：一分钟介绍|介绍 开场
宁波整柜出口十五年，欧洲、东南亚每周有约舱；订舱、报关、拖车都是自己人。电话 13 秒内接，接不了十分钟内回。
company|article|营业时间、值班和节假日|时间 值班
周一至周六 8:30–18:00 有人接；夜间和周日由值班手机接，只处理改单、甩柜和提箱。法定假日前三天群发放假通知，截单提前一天。
company|phrase|开场问候|问候
您好，十三秒货运，请问是问报价、查货，还是有单子要改？
company|phrase|介绍自己并留联系方式|名片
我是负责您这条航线的同事，有事直接打我分机，或者加我企业微信，报价和船期我都会留底发给您。
enquiry|article|接询价要问全的八件事|询价 清单
起运港、目的港、柜型数量、货名（带电、危险品、冷藏？）、毛重、货好日期、条款、目标价。先记下，别让客户说两遍。
enquiry|article|带电、危险品、冷藏货怎么接|带电 危险品 冷藏
先要 MSDS 和 UN 号，第 9 类要危包证；锂电要 UN38.3；冷藏问温度、通风和预冷。资料不全只给参考价。
enquiry|phrase|没有目标价时怎么问|目标价
您这边有参考价或者目标价吗？我按您的预算先去问舱，省得来回。
enquiry|phrase|货好日期没定|船期
货好日期没定也没关系，我先按最近两个船期给您留参考，定了再锁舱。
carrier|article|向船公司问舱的顺序|问舱 约价
先问约价舱，再问现舱，再看同行。问价时一次问清：有效期、免箱期、截关截港、是否含低硫费和旺季附加费。答复写进这票询价的备注，留到第二家再比。
carrier|article|甩柜了怎么办|甩柜
先要书面改期确认，再问下一水；让拖车改提箱时间。二十分钟内致电客户：先致歉，再给两个方案。
carrier|phrase|催船公司放舱|放舱
这票客户已经确认，货明天到港区，麻烦今天下班前放舱，放不了请给一个书面原因，我好跟客户交代。
quote|article|报价单写法：全包价和分项价|报价 全包
海运费按柜型各写一行，附加费另列；本地费用用人民币，不和美元加在一起。必须写有效期和免箱期。客户问全包价就报全包，但单子上分项要留底。
quote|article|免箱期、滞箱费怎么解释|免箱期 滞箱费
免箱期从卸船次日算，一般 7 到 14 天，超期按天按柜收，越往后越贵。签约价可多要几天，订舱时就要申请。
quote|phrase|报价快到期提醒|到期
您好，上次报的价今天下午到期，下一水涨幅还没定，您要的话我先把舱锁上，单子晚点补都行。
quote|phrase|嫌贵怎么接|议价
您比的那家含不含低硫费和目的港码头费？我们报的是到港全含。如果只看海运费，我可以把分项发您对一下。
care|article|老客户三个月没走货怎么回访|回访 流失
先看最后一票是不是有投诉或迟到；有就先说处理结果，再问近况。没有就发本航线最近八周的价格走势，问旺季前要不要先留舱。记下回访结果和下次时间。
care|article|投诉处理四步|投诉
一、先听完，不打断，复述一遍；二、给时间点，不给模糊话；三、半小时内内部拉人，定责任人；四、到点必回，没结果也要回。处理完在客户备注写“已解决”和补偿。
care|phrase|生日问候|生日
今天是您生日，祝您生意顺顺利利，一路顺风顺水！
care|phrase|到港通知|到港
您的柜子预计后天到港，免箱期从卸船次日起算，请提前安排清关和提箱，需要我们代办请回复 1。
internal|article|底价和利润空间（内部）|底价 利润
底价以当周约价表为准，低于底价两百美元以内组长批，再低找经理。任何聊天和短信里都不要出现“底价”两个字。
internal|article|交接班要交什么|交接
未回消息、当天到期报价、承诺回电、在途晚到的票。交接写在客户备注，不用口头。
internal|phrase|转给同事（内部）|转接
这位是老客户，问欧线报价，他的历史报价在弹屏里，麻烦你接一下。
"""


def articles() -> list[Draft]:
    """The sample's articles and phrases."""
    lines = _ARTICLES.strip().splitlines()
    found: list[Draft] = []
    for head, body in zip(lines[::2], lines[1::2], strict=True):
        category, kind, title, tags = head.split("|")
        found.append(
            Draft(
                category=category,
                kind="phrase" if kind == "phrase" else "article",
                title=title,
                body=body,
                tags=tuple(tags.split()),
            )
        )
    return found


_CHATS: Final[tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "wangwang",
        "海晏家居 小许",
        "wangwang-7719",
        (
            ("in", "在吗，问下宁波到鹿特丹"),
            ("in", "两个高柜，月底货好"),
            ("out", "在的，货名是什么？带不带电？"),
            ("in", "藤编家具，不带电"),
        ),
    ),
    (
        "qq",
        "周敏-屿衡（新号）",
        "90001377",
        (("in", "我换号了，以后用这个"), ("in", "上次汉堡那票的提单草稿发我一下"), ("out", "好的周经理，下班前给您")),
    ),
    (
        "web",
        "网页访客 1307",
        "visitor-1307",
        (("in", "你们做不做铁路到杜伊斯堡"), ("out", "您好，做的，整柜每周两班"), ("in", "好，我晚点电话联系")),
    ),
    ("wecom", "砺澄 许工", "wm-lc-0013", (("in", "舱单改一个字要不要钱"), ("in", "急"))),
    ("qq", "海运同行交流群", "", (("in", "今天谁有地东的舱"), ("in", "地东下周涨两百"))),
)
"(channel, remark name, id on the platform, messages): they wait for somebody to say whose they are."


def conversations(now: float) -> list[Message]:
    """Conversations of the last two days."""
    found: list[Message] = []
    for n, (channel, peer, peer_id, said) in enumerate(_CHATS):
        for m, (direction, text) in enumerate(said):
            incoming = direction == "in"
            found.append(
                Message(
                    at=now - (5 + 9 * n) * HOUR + 60.0 * m,
                    peer=peer,
                    peer_id=peer_id or None,
                    sender=peer if incoming else "十三秒货运",
                    sender_id=peer_id or None if incoming else None,
                    direction="in" if incoming else "out",
                    kind="text",
                    text=text,
                    channel=channel,
                    group=not peer_id,
                )
            )
    return found


_ENQUIRIES: Final = (
    ("宁波", "鹿特丹", "40HQ*2", "藤编家具，月底货好，要免箱期 14 天"),
    ("上海", "洛杉矶", "20GP*1+40HQ*1", "客户给的目标价 2600，先问约价舱"),
)


def enquiries(crm: EmbeddedCrm, numbers: Sequence[str], by: str) -> None:
    """Enquiries that wait for a price, of the customers with these numbers."""
    for number, (pol, pod, boxes, note) in zip(numbers, _ENQUIRIES, strict=False):
        match = next(iter(crm.lookup(number)), None)
        if match is not None:
            draft = QuoteDraft(pol=pol, pod=pod, containers=boxes, note=note)
            crm.add_quote(match.party.id, draft, by, key=f"sample {number}")


def fill(crm: EmbeddedCrm, now: float, by: str) -> None:
    """Write articles and conversations into an empty CRM."""
    KnowledgeBase(crm, clock=lambda: now).add_all(articles(), by)
    ChatArchive(crm).add(conversations(now))
