"""The daily and the weekly bulletin 日报 周报: figures beside those of the day or week before, for print. Pure.

Figures only: no text of a call, no name, no number stands in it, so it may lie on a desk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from engine.reports.catalogue import FIGURES, GROUPS, Figure

Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Bulletin:
    """Everything one bulletin says. `before` has the figures of the range before, `hot` the reasons of hot spots."""

    city: str
    title: str
    """`警情分流日报` or `警情分流周报`."""
    span: str
    """The range in words: `2026年11月22日 星期日`."""
    made_at: str
    values: Values
    before: Values
    before_name: str
    """`前一日` or `前一周`."""
    hot: Sequence[str] = ()
    returned_by: Sequence[tuple[str, int]] = ()
    categories: Sequence[tuple[str, int, int]] = ()
    """Name, calls, calls of the range before; busiest first."""


def shown(figure: Figure, value: float | int | None) -> str:
    """A value as people read it."""
    if value is None:
        return "—"
    return f"{value:.1%}" if figure.part else f"{value:,}"


def changed(figure: Figure, now: float | int | None, before: float | int | None) -> str:
    """The change since the range before: percentage points for a share, per cent for a number."""
    if now is None or before is None:
        return "—"
    if figure.part:
        points = (now - before) * 100
        return "持平" if abs(points) < 0.05 else f"{'↑' if points > 0 else '↓'} {abs(points):.1f} 个百分点"
    if now == before:
        return "持平"
    share = f"{abs(now - before) / before:.1%}" if before else f"{now:,}"
    return f"{'↑' if now > before else '↓'} {share}"


def to_html(b: Bulletin) -> str:
    """The whole page, ready to print on A4."""
    sections = "".join(_section(b, group) for group in GROUPS)
    lead = _lead(b)
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(b.city)}{escape(b.title)} '
        f"{escape(b.span)}</title><style>{_STYLE}</style></head><body><main><header><h1>{escape(b.city)}{escape(b.title)}"
        f"</h1><p>{escape(b.span)}</p></header>{lead}{sections}{_categories(b)}{_hot(b)}{_returns(b)}"
        f"<footer>分流 · {escape(b.made_at)} 生成 · 仅含汇总数据，不含个人信息</footer></main></body></html>"
    )


def _lead(b: Bulletin) -> str:
    """The first paragraph: what a leader reads if nothing else."""

    def of(name: str) -> str:
        return shown(FIGURES[name], b.values.get(name, {}).get("value"))

    def against(name: str) -> str:
        now, before = (v.get(name, {}).get("value") for v in (b.values, b.before))
        return changed(FIGURES[name], now, before)

    return (
        f"<p class=lead>共接报 <b>{of('received')}</b> 起（较{b.before_name}{against('received')}），其中非警务占 "
        f"<b>{of('non_police_share')}</b>，分流率 <b>{of('diversion_rate')}</b>（杭州 52%）；"
        f"办结 <b>{of('settled')}</b> 件，"
        f"期末在办 <b>{of('open')}</b> 件，超时率 {of('overdue_rate')}；解决率 {of('solution_rate')}，满意率 "
        f"{of('satisfaction_rate')}；预警 {of('alerts')} 条，准确率 {of('precision')}。</p>"
    )


def _section(b: Bulletin, group: str) -> str:
    rows = "".join(_row(b, f) for f in FIGURES.values() if f.group == group)
    return (
        f"<section><h2>{group}</h2><table><thead><tr><th>指标</th><th>本期</th><th>基数</th><th>{b.before_name}</th>"
        f"<th>变化</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(b: Bulletin, figure: Figure) -> str:
    now, before = b.values.get(figure.id, {}), b.before.get(figure.id, {})
    base = f"{now['part']:,}/{now['of']:,}" if figure.part and now.get("of") else ""
    return (
        f'<tr><th scope=row title="{escape(figure.meaning)}">{escape(figure.name)}</th>'
        f"<td>{shown(figure, now.get('value'))}</td><td>{base}</td><td>{shown(figure, before.get('value'))}</td>"
        f"<td>{changed(figure, now.get('value'), before.get('value'))}</td></tr>"
    )


def _categories(b: Bulletin) -> str:
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{now:,}</td><td>{before:,}</td></tr>"
        for name, now, before in b.categories
    )
    head = f"<thead><tr><th>类别</th><th>本期</th><th>{b.before_name}</th></tr></thead>"
    return f"<section><h2>来电最多的类别</h2><table>{head}<tbody>{rows}</tbody></table></section>" if rows else ""


def _hot(b: Bulletin) -> str:
    said = "".join(f"<li>{escape(reason)}</li>" for reason in b.hot) or "<li>没有明显高于平时的地点。</li>"
    return f"<section><h2>热点</h2><ol>{said}</ol></section>"


def _returns(b: Bulletin) -> str:
    rows = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{n:,}</td></tr>" for name, n in b.returned_by)
    head = "<thead><tr><th>单位</th><th>退回次数</th></tr></thead>"
    return f"<section><h2>退回</h2><table>{head}<tbody>{rows}</tbody></table></section>" if rows else ""


_STYLE = """
@page { size: A4; margin: 16mm 14mm }
body { font: 10.5pt/1.5 "Source Han Serif SC", "Noto Serif CJK SC", SimSun, serif; color: #111; background: #fff }
body { margin: 0 }
main { max-width: 182mm; margin: 0 auto; padding: 4mm }
header { text-align: center; border-bottom: 2px solid #c8102e; margin-bottom: 4mm }
h1 { font-size: 20pt; margin: 0; color: #b00d27; letter-spacing: .1em } header p { margin: 1mm 0 2mm }
h2 { font-size: 12pt; margin: 5mm 0 1mm; border-left: 4px solid #c8102e; padding-left: 2mm }
.lead { text-indent: 2em; text-align: justify }
section { break-inside: avoid } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid #bbb; padding: .6mm 2mm; text-align: right } th:first-child { text-align: left }
thead th { border-bottom: 1.5px solid #333; font-weight: 600 } tbody th { font-weight: 400 }
ol { margin: 0; padding-left: 1.6em }
footer { margin-top: 6mm; font-size: 8.5pt; color: #444; text-align: center }
"""
