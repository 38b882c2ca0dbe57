"""Alerting room: the replay's result as one page without outside parts: numbers, and pictures drawn in SVG."""

from collections.abc import Iterator
from html import escape

from engine.alerting.backtest import Backtest, Tally, ranked
from engine.alerting.facts import local

_STYLE = """
body{font:15px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
body{color:#1c2733}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}table{border-collapse:collapse;width:100%}
td,th{padding:.25rem .6rem;border-bottom:1px solid #dde3ea;text-align:left}td.n{text-align:right}
.bad{color:#b00020}.quiet{color:#66737f}svg{display:block;margin:.3rem 0}figure{display:inline-block;margin:0 2rem 0 0}
figcaption{font-size:.85rem;color:#66737f}
"""


def page(result: Backtest, city_name: str, tz: str) -> str:
    """The whole page. Texts of calls stand in it only as the models' masked messages show them."""
    begin, end = local(result.first, tz), local(result.last, tz)
    return "".join(
        (
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>预警模型回放</title>',
            f"<style>{_STYLE}</style><h1>{escape(city_name)} 预警模型回放</h1>",
            f"<p>{begin:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}，{result.calls} 通来电，",
            f"{len(result.tallies)} 个模型。</p>",
            "".join(_table(result)),
            "".join(part for tally in ranked(result) if tally.fired for part in _section(tally)),
            "</html>",
        )
    )


def _table(result: Backtest) -> Iterator[str]:
    yield "<table><tr><th>模型<th>状态<th>触发<th>每天<th>被抑制<th>属实 / 不实<th>准确率<th>与预期</tr>"
    for tally in ranked(result):
        share = tally.precision
        yield (
            f"<tr><td>{escape(tally.title)} <span class=quiet>{escape(tally.model)}</span><td>{tally.state}"
            f"<td class=n>{tally.fired}<td class=n>{tally.fired / result.days:.2f}<td class=n>{tally.inhibited}"
            f"<td class=n>{tally.confirmed} / {tally.dismissed}<td class=n>{'—' if share is None else f'{share:.0%}'}"
            f"<td class={'bad' if tally.unmet else 'quiet'}>{escape(tally.unmet) or '—'}</tr>"
        )
    yield "</table>"


def _section(tally: Tally) -> Iterator[str]:
    yield f"<h2>{escape(tally.title)} <span class=quiet>{escape(tally.model)}</span></h2>"
    days = sorted(tally.days.items())[-92:]
    yield _bars([(day[5:], number) for day, number in days], "每天触发")
    yield _bars([(str(hour), tally.hours[hour]) for hour in range(24)], "一天中的时刻")
    where = [(name or "未知", number) for name, number in tally.townships.most_common(12)]
    yield _bars(where, "镇街")
    if tally.overlap:
        also = "、".join(f"{escape(name)} {number}次" for name, number in tally.overlap.most_common(5))
        yield f"<p class=quiet>同时触发：{also}</p>"
    yield "<ul>"
    for example in tally.examples:
        why = "；".join(example["reasons"])
        yield f"<li>{example['at']} {example['grade']} {escape(example['message'])} "
        yield f"<span class=quiet>{escape(why)}</span>"
    yield "</ul>"


def _bars(values: list[tuple[str, int]], title: str) -> str:
    """A bar chart 120 pixels high; every bar has its number as a tooltip."""
    most, wide = max((number for _, number in values), default=0) or 1, max(6, min(24, 480 // max(1, len(values))))
    bars, every = [], max(1, len(values) // 12)
    for place, (label, number) in enumerate(values):
        high = round(90 * number / most, 1)
        x = place * wide
        bars.append(
            f'<rect x="{x}" y="{95 - high}" width="{wide - 1}" height="{high}" fill="#1f6fb2">'
            f"<title>{escape(label)}：{number}</title></rect>"
        )
        if place % every == 0:
            bars.append(f'<text x="{x}" y="110" font-size="9" fill="#66737f">{escape(label[:6])}</text>')
    size = f'width="{len(values) * wide + 40}" height="118"'
    return f"<figure><svg {size}>{''.join(bars)}</svg><figcaption>{title}（最多 {most}）</figcaption></figure>"
