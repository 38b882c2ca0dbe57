"""The printable page of a dossier: plain HTML for the browser's print, from the same JSON as everybody sees."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from engine.loop.notices import stamp
from engine.model.call import Instant
from engine.model.city import City

_WORDS = {
    "open": "已建档", "mediating": "调解中", "agreed": "已达成协议", "kept": "协议已履行", "closed": "已结案",
    "merged": "已并案", "failed": "未果", "partly": "部分一致", "calm": "平稳", "tense": "对立", "absent": "未遇",
    "solved": "已解决", "unsolved": "未解决", "broken": "未履行",
}  # fmt: skip
_RESULTS = _WORDS | {"agreed": "达成一致"}
_ACTS = {"open": "待履行", "kept": "已履行", "broken": "未履行"}

_ROWS = """<h2>{{ title }}</h2>
{% if body %}<table><tr>{% for h in heads %}<th>{{ h }}</th>{% endfor %}</tr>{% for row in body %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>
{% else %}<p class="none">暂无</p>{% endif %}"""

_jinja = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
_page = _jinja.from_string((Path(__file__).parent / "dossier_page.html").read_text(encoding="utf-8"))
_rows = _jinja.from_string(_ROWS)


def page(dossier: dict[str, Any], city: City, now: Instant, who: str) -> str:
    """The page of a dossier as `dossier_by_id` answers it."""

    def rows(title: str, heads: list[str], body: list[list[Any]]) -> Any:
        return Markup(_rows.render(title=title, heads=heads, body=body))  # noqa: S704 - escaped by the template

    return _page.render(
        d=dossier,
        states=_WORDS,
        t=_short,
        rows=rows,
        city=city.name,
        who=who,
        now=stamp(now, city),
        **_tables(dossier, city),
    )


def _short(at: str) -> str:
    """`2026-11-26 23:31` of a stamp."""
    return f"{at[:10]} {at[11:16]}"


def _tables(d: dict[str, Any], city: City) -> dict[str, list[list[Any]]]:
    seen = [(e, "上门") for e in d["visit_list"]] + [(e, "电话") for e in d["call_backs"]]
    names = {g.id: g.name for g in city.grades.values()}
    return {
        "calls": [
            [_short(c["at"]), f"当事人{c['party']}" if c["party"] else "匿名", c["text"], c["order_id"] or ""]
            for c in d["call_list"]
        ],
        "grades": [[_short(g["at"]), names.get(g["grade"], g["grade"]), "；".join(g["reasons"])] for g in d["grades"]],
        "mediations": [[_short(e["at"]), e["by"], _result(e), e["note"]] for e in d["mediation_list"]],
        "agreements": [[_short(e["at"]), e["by"], e["note"]] for e in d["agreements"]],
        "acts": [
            [a["number"], a["who"], a["what"], _short(a["due"]) if a["due"] else "未定", _ACTS[a["state"]]]
            for a in d["acts"]
        ],
        "visits": [
            [_short(e["at"]), e["by"], how, _result(e), e["note"]]
            for e, how in sorted(seen, key=lambda pair: str(pair[0]["at"]))
        ],
        "line": [[_short(e["at"]), e["what"], e["who"], e["text"]] for e in d["line"]],
    }


def _result(entry: dict[str, Any]) -> str:
    return _RESULTS.get(entry["result"], entry["result"] or "未注明")
