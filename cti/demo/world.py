"""The sample forwarder's world as plain words: firms, people, lanes, carriers, what they write. All invented."""

from __future__ import annotations

from typing import Final

import msgspec


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A trade the forwarder sells; prices are in US$ per container."""

    pol: str
    code: str
    "Letters of the port of loading in bills of lading."
    pod: str
    queue: str
    base: float
    "A 40HQ half a year ago."
    days: int
    share: float = 1.0


LANES: Final = (
    Lane(pol="宁波", code="NGB", pod="汉堡", queue="europe", base=1980, days=32, share=2.4),
    Lane(pol="宁波", code="NGB", pod="鹿特丹", queue="europe", base=1930, days=34, share=1.6),
    Lane(pol="宁波", code="NGB", pod="费利克斯托", queue="europe", base=2050, days=36),
    Lane(pol="上海", code="SHA", pod="安特卫普", queue="europe", base=2010, days=35),
    Lane(pol="青岛", code="TAO", pod="鹿特丹", queue="europe", base=2120, days=38),
    Lane(pol="宁波", code="NGB", pod="林查班", queue="seasia", base=620, days=9, share=1.3),
    Lane(pol="上海", code="SHA", pod="胡志明", queue="seasia", base=540, days=8),
    Lane(pol="深圳", code="SZX", pod="雅加达", queue="seasia", base=690, days=10),
    Lane(pol="宁波", code="NGB", pod="巴生", queue="seasia", base=580, days=11),
    Lane(pol="上海", code="SHA", pod="洛杉矶", queue="export", base=2480, days=15, share=1.4),
    Lane(pol="宁波", code="NGB", pod="桑托斯", queue="export", base=3350, days=41),
    Lane(pol="深圳", code="SZX", pod="杰贝阿里", queue="export", base=1620, days=22),
)

CARRIERS: Final = (
    ("北渡", "BDL", "周日开", ("北渡汉堡", "北渡不来梅", "北渡基尔")),
    ("瀚洋", "HYS", "周四开", ("瀚洋晨星", "瀚洋朝阳", "瀚洋银河")),
    ("曜联", "YLN", "周二开", ("曜联海鸥", "曜联信风")),
    ("澄海", "CHX", "周五开", ("澄海东方", "澄海丝路")),
    ("远岚", "YUL", "周三开", ("远岚一号", "远岚之星")),
)
"(name, letters of its bills of lading, sailing, vessels)."

CITIES: Final = (
    ("宁波", "浙江", "0574", ("1350574", "1320574", "1330574", "1310552")),
    ("杭州", "浙江", "0571", ("1350571", "1310571", "1320571")),
    ("台州", "浙江", "0576", ("1350576", "1320576", "1330576")),
    ("温州", "浙江", "0577", ("1350577", "1310577", "1330577")),
    ("绍兴", "浙江", "0575", ("1350575", "1310575", "1320575")),
    ("金华", "浙江", "0579", ("1350579", "1320579", "1330579")),
    ("上海", "", "021", ("1350160", "1320000", "1330018")),
    ("苏州", "江苏", "0512", ("1350613", "1320511", "1311510")),
    ("青岛", "山东", "0532", ("1350532", "1310512", "1320532")),
    ("深圳", "广东", "0755", ("1350004", "1320225", "1310654")),
)
"(city, province, area code, first seven digits of mobiles there)."

BRANDS: Final = (
    "澈禾 岚桐 朔榆 绫溯 棠稷 麓珩 霁禾 桦陌 沅蓝 朗砚 棣棠 溪岫 砚北 榕川 禾麦 钧陶 云栈 青筑 泊舟 知岚 "
    "景舟 瀛泰 苇杭 松屿 清嘉 叙白 临溪 望洲 拓野 恒汀 柏舟 南枝 一苇 远汀 启明岛 昭宁 晴川 百川源 木兰舟 泽畔 "
    "启帆港 云杉里 海晏 玉衡星 星槎 扶桑里 渡川 潮平 风信 半夏 远黛 沧禾 晓屿 微澜 初霁 天枢 白鹭洲 千帆 新禾 石桥"
)
"Separated by blanks, as GIVEN."

TRADES: Final = (
    ("进出口有限公司", "庭院家具", "general"),
    ("饰品有限公司", "饰品、圣诞用品", "general"),
    ("纺织有限公司", "针织面料", "general"),
    ("机械有限公司", "注塑机配件", "general"),
    ("电器有限公司", "小家电", "battery"),
    ("鞋业有限公司", "鞋", "general"),
    ("卫浴有限公司", "龙头、花洒", "general"),
    ("园林工具有限公司", "割草机（含锂电）", "battery"),
    ("食品有限公司", "冻虾仁", "reefer"),
    ("化工有限公司", "树脂（9 类）", "dangerous"),
    ("灯具有限公司", "LED 灯具", "general"),
    ("汽配有限公司", "刹车片", "general"),
)
"(ending of the firm's name, cargo, cargo class)."

PEERS: Final = (
    ("航舟国际货运代理有限公司", "peer"),
    ("通汇物流有限公司", "peer"),
    ("顺捷拖车队", "truck"),
    ("长桥集卡车队", "truck"),
    ("北渡航运订舱部", "sea"),
    ("瀚洋航运客服部", "sea"),
    ("内河驳运有限公司", "water"),
    ("中欧班列平台公司", "rail"),
)

SURNAMES: Final = "周吴郑王冯蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹苏潘葛范彭鲁韦马方俞任袁柳史唐费薛雷贺罗丁"
GIVEN: Final = (
    "敏 静怡 建国 丽华 书砚 青 未然 婷 浩然 子墨 晓东 一鸣 国强 佳宁 思远 雨桐 海燕 志刚 文博 欣然 立 倩 俊杰 美玲 "
    "永康 春梅 嘉禾 子衿 宏伟 若溪 清远 明轩 雅琴 立群 小军 念慈 伟 芳 磊 娜"
)
ROLES: Final = ("采购经理", "外贸部", "物流主管", "单证", "财务", "总经理", "业务员", "跟单", "仓库")

PREFERENCES: Final = (
    "上午联系，先看 QQ；重准时，报价要带免箱期",
    "只认邮件确认；价格压得紧，先报全包价",
    "怕甩柜，宁可贵一点订直航",
    "月底集中出货，提前一周要舱",
    "性子急，电话里先给结论再说原因",
    "要中英文报价各一份；付款准时",
    "每票都要提前发到港通知",
)
NOTES: Final = (
    "上次投诉放单慢，这票盯一下电放。",
    "老板亲自定价，报价抄送王总。",
    "旺季前想签三个月约价，已请经理跟进。",
    "换了新仓库，装柜地址以托书为准。",
    "对免箱期敏感，目的港要 14 天。",
)
CHATS: Final[tuple[tuple[str, str, str], ...]] = (
    ("in", "text", "两个高柜到{pod}，月底货好，帮报个价"),
    ("out", "text", "好的，我看下舱位，半小时内回您"),
    ("out", "text", "{pol}→{pod} 40HQ US${price}，{carrier} {schedule}，有效到月底"),
    ("in", "file", "[文件] 托书-{brand}.xlsx"),
    ("out", "text", "托书收到，截单周三 12:00"),
    ("in", "image", "[图片] 唛头改好了，请更新托书"),
    ("out", "text", "已改，请核对补料"),
    ("in", "text", "柜号铅封号发我一下"),
    ("out", "text", "{bl}，已提空，司机明早到厂"),
    ("in", "text", "这次能不能用别家船，上次晚了三天"),
    ("out", "text", "可以，我把{carrier}和另一家的船期一起发您"),
    ("in", "text", "目的港免箱期能要到 14 天吗"),
    ("out", "text", "申请下来了，14 天"),
)
UNANSWERED: Final = (
    "这票到底几号到？客户在催",
    "提单草稿有个地方要改，看到请回",
    "下周三个柜子还能放舱吗？",
    "发票抬头换了，怎么办",
)
SMS: Final[tuple[tuple[str, str], ...]] = (
    ("out", "【十三秒货运】{pol}→{pod} 40HQ US${price}，{carrier} {days} 天，有效期见报价单 {quote}。"),
    ("in", "收到，我问下老板"),
    ("out", "【十三秒货运】{bl} 订舱成功，截关前一日 12:00 请交齐资料。"),
    ("out", "【十三秒货运】您的 {bl} 预计 {eta} 到港，详情可回电 400-000-1313。"),
    ("in", "好的，按 {price} 订{boxes}"),
)
REASONS: Final = ("询价", "订舱确认", "催船期", "改单", "报价说明", "费用对账", "催提单", "报关资料")
LOST: Final = ("价格高", "船期不合", "已走同行", "货未备好")
SUPPLIERS: Final = ("北渡直订", "瀚洋直订", "航舟庄家", "曜联一代", "澄海约价")
