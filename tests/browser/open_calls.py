"""Calls for the review desk."""

from running import Service

OPEN = iter(
    (
        "物业拿钥匙进了我家抄表，没敲门，我正换衣服，今天我找他理论",
        "中介收了我定金又不给房，人还在店里，说话不好听，要我先走",
        "前面那车横着，他嫌我昨天停了他的位不挪，打电话他说让我求他",
        "网上买的票进不了场，门口好多人都这样，主办方电话没人接",
        "健身房说要关门，三十来个会员都在前台等老板，老板没来",
        "隔壁老头天天拿棍子敲我家墙，说我吵，我没吵，敲了半个月了",
        "他借我的车不还，说车是抵押给他的，微信也不回了",
        "工头说明天发钱，说了五个明天了，我们几个准备去他家门口等",
        "楼上往我家门上贴字条，写的话不好听，我撕了他又贴，今天是第四张",
        "饭店说我吃了饭没付钱，我付了的，他们几个站门口不让我走",
        "快递员把我的包裹给别人签了，我去要，他说让我找那个人",
        "我前男友把我们的合照发在他店里墙上，叫他拿下来他不拿",
        "拆迁的人天天来敲门，不说什么，就站着看",
        "车位上给人放了三块大石头，写着私家，我挪了他又搬回来",
    )
)
"""Calls whose words leave it open whose matter they are. A new model may be sure of some; each is used once."""


def unsure(service: Service, phone: str) -> tuple[str, str]:
    """(order, text) of a call that Fenliu sends to a person."""
    for text in OPEN:
        answer = service.answer(text, caller={"phone": phone})
        if answer["decision"]["review"]:
            return str(answer["order_id"]), text
    raise AssertionError("the classifier is sure of every one of these calls: write others")
