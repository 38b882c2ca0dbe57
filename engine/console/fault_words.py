"""Console room: the checks' sentences in Chinese; one that nobody translated is shown as it is. Pure."""

import re

from engine.console.words import Words

_SENTENCES = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (r'"(.+)" is missing', "缺少“{0}”"),
        (r'unknown key "(.+)"', "没有“{0}”这个键"),
        (r'did you mean "(.+)"\?', "是不是“{0}”？"),
        (r'"(.*)" is not known here', "这里没有“{0}”这个值"),
        (r"known: (.+)", "可用：{0}"),
        (r"add it", "请补上"),
        (r'"(.*)" stands here', "这里写的是“{0}”"),
        (r"(a mapping|a list|nothing) stands here", "这里写的是{0}"),
        (r"(text|a whole number|a number|true or false|a list|a mapping|nothing) belongs here", "这里应是{0}"),
        (r"(\d+) items stand here", "这里有 {0} 项"),
        (r"at least (\d+) belong here", "至少 {0} 项"),
        (r"at most (\d+) belong here", "至多 {0} 项"),
        (r'"(.*)" does not fit', "“{0}”格式不对"),
        (r'(grade|procedure|receiver|window) "(.+)" is not known in this city', "本市没有“{1}”这个{0}"),
        (r"nothing fills \{(.+)\}", "没有内容可填入 {{{0}}}"),
        (r'test "(.+)" fails', "测试“{0}”不通过"),
        (r"this model asks for nothing", "模型没有任何条件"),
        (r"add `when` or `over_time`", "请写 when 或 over_time"),
        (r"a live model needs an approver", "运行的模型须有批准人"),
        (r"author and approver are the same person", "作者与批准人是同一人"),
        (r"a model goes live when a second person approves", "须由第二人批准后才能运行"),
        (r'there is no model "(.+)"', "没有模型“{0}”"),
        (r'"(.+)" is no model id', "“{0}”不能作模型编号"),
        (r"(.+) is not above (.+)", "{0}不高于{1}"),
        (r"put it in quotes: (.+)", "请加引号：{0}"),
        (r"`id` is not the file's name", "id 与文件名不同"),
        (r"the file is larger than (\d+) bytes", "文件超过 {0} 字节"),
        (r'"(.+)" stands twice', "“{0}”写了两次"),
        (r"state: shadow", "先写 state: shadow"),
        (r'"(.*)" is not a length of time', "“{0}”不是时间长度"),
        (r"write 90s, 5m, 24h or 7d", "可写 90s、5m、24h、7d"),
        (r"no condition stands here", "这里没有条件"),
        (r"write at least one", "至少写一个"),
        (r"no bound stands here", "这里没有界限"),
        (r"write at_least, at_most, more_than, less_than or is", "可写 at_least、at_most、more_than、less_than、is"),
        (r"a rise without a condition", "升级没有条件"),
        (r"add when, over_time or with_alert", "请写 when、over_time 或 with_alert"),
        (r"not a regular expression: (.+)", "正则表达式不对：{0}"),
        (r"RE2 syntax, no look-around", "用 RE2 语法，不支持环视"),
        (r"`(.+)` is not known yet when windows are filled", "统计窗口时还不知道 {0}"),
        (r"move it to the model's `when`", "请移到模型的 when"),
        (r"a grade only rises", "等级只升不降"),
        (r'"(.+)" is nothing to group an? .+ by', "不能按“{0}”分组"),
        (r"four eyes: a second person approves", "须由第二人批准"),
        (r"a second absence in one model", "一个模型只能等一种“没有发生”"),
        (r"only (\d+) signs stand here", "这里只有 {0} 个迹象"),
    )
)
_KINDS = {
    "text": "文字", "a whole number": "整数", "a number": "数", "true or false": "true 或 false", "a list": "列表",
    "a mapping": "键值", "nothing": "空", "grade": "等级", "procedure": "流程", "receiver": "接收单位",
    "window": "窗口",
}  # fmt: skip


def said(what: str, right: str, t: Words) -> str:
    """What was wrong and what would be right, in the viewer's language."""
    if t.language == "en":
        return f"{what} — {right}" if right else what
    return "，".join(_chinese(part) for part in (what, right) if part)


def _chinese(sentence: str) -> str:
    for pattern, chinese in _SENTENCES:
        if found := pattern.fullmatch(sentence):
            return chinese.format(*(_KINDS.get(word, word) for word in found.groups()))
    return sentence
