"""A city of one's own: from nothing, and from the spreadsheets it has; every faulty cell is named."""

import csv
from pathlib import Path

import pytest
from openpyxl import Workbook
from running import RULES

from engine import ruleset
from engine.alerting import load_models
from engine.errors import Refused
from engine.founding.areas import level
from engine.founding.folder import Named, Tables, found

AREAS = [
    ("统计用区划代码（12位）", "名称", "别名", "道路"),
    ("990300000000", "云岫市", "", ""),
    ("990302000000", "东篱区", "东篱", ""),
    ("990302001000", "竹溪街道", "竹溪", "竹溪路、南山街"),
    ("990302001001", "竹溪社区", "", "竹溪苑"),
    ("990302002000", "石桥镇", "", "石桥大道"),
    ("990303000000", "西屏县", "", ""),
    ("990303100000", "屏山镇", "", ""),
]
BODIES = [
    ("编号", "名称", "类别", "层级", "上级", "辖区", "电话", "可转接"),
    ("cmd", "云岫110指挥中心", "指挥中心", "市", "", "", "110", "是"),
    ("hot", "云岫12345", "热线", "市", "", "", "12345", "是"),
    ("fire", "消防", "应急", "市", "cmd", "", "119", "是"),
    ("", "东篱分局", "公安", "区县", "云岫110指挥中心", "东篱区", "", ""),
    ("", "西屏县局", "公安", "区县", "cmd", "990303000000", "", ""),
    ("zx-pcs", "竹溪派出所", "公安", "镇街", "东篱分局", "竹溪街道", "", ""),
    ("sq-pcs", "石桥派出所", "公安", "镇街", "东篱分局", "石桥镇", "", ""),
    ("ps-pcs", "屏山派出所", "公安", "镇街", "西屏县局", "屏山镇", "", ""),
    ("zx", "竹溪街道办", "镇街", "镇街", "hot", "竹溪街道", "", ""),
    ("sq", "石桥镇政府", "镇街", "镇街", "hot", "石桥镇", "", ""),
    ("ps", "屏山镇政府", "镇街", "镇街", "hot", "屏山镇", "", ""),
    ("chengguan", "云岫市城管局", "部门", "市", "hot", "", "", ""),
]
DUTIES = [
    ("事项类别", "承接单位", "适用辖区", "时段", "移交方式", "办理流程", "紧急"),
    ("urban.manhole", "云岫市城管局、hot", "", "", "", "urgent_repair", "是"),
    ("environment.noise_site", "城管局", "东篱区", "22-6", "", "", ""),
]
Rows = list[tuple[str, ...]]


def models(folder: Path) -> None:
    load_models(folder / "alerts", ruleset.load(folder))


def made_csv(path: Path, rows: Rows, encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def made_xlsx(path: Path, rows: Rows, title: str, *, above: str = "", numbers: bool = False) -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = title
    if above:
        page.append([above])
    for row in rows:
        page.append([int(c) if numbers and c.isdecimal() and len(c) == 12 else c for c in row])
    book.save(path)
    return path


def faults(target: Path, tables: Tables) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        found(target, RULES, Named("yx"), tables, models)
    assert not target.exists(), "nothing is written"
    return {fault.where: fault.what for fault in refused.value.faults}


def test_the_starting_set_is_whole(tmp_path: Path) -> None:
    said = found(tmp_path / "own", RULES, Named("xin", "新城市"), Tables(), models)
    faulty, _ = ruleset.check(tmp_path / "own")
    assert faulty == ()
    city = ruleset.load(tmp_path / "own")
    assert (city.id, city.name) == ("xin", "新城市")
    assert len(city.areas) == 3
    assert "澄津" not in "".join(p.read_text("utf-8") for p in (tmp_path / "own").glob("*.yaml"))
    kept = {p.name for p in (tmp_path / "own" / "alerts").glob("*.yaml")}
    assert kept == {p.name for p in (RULES / "alerts").glob("*.yaml")}, said
    with pytest.raises(Refused, match="is not empty"):
        found(tmp_path / "own", RULES, Named(), Tables(), models)


def test_three_spreadsheets_become_a_city(tmp_path: Path) -> None:
    """Codes kept as numbers under a title, bodies from an old program in GBK, duties in a workbook: all as they are."""
    duties = [DUTIES[0], DUTIES[1], ("environment.noise_site", "云岫市城管局", "东篱区", "22-6", "", "", "")]
    tables = Tables(
        made_xlsx(tmp_path / "areas.xlsx", AREAS, "区划", above="云岫市行政区划代码表", numbers=True),
        made_csv(tmp_path / "bodies.csv", BODIES, "gbk"),
        made_xlsx(tmp_path / "duties.xlsx", duties, "清单"),
    )
    found(tmp_path / "own", RULES, Named("yx"), tables, models)
    assert ruleset.check(tmp_path / "own")[0] == ()
    city = ruleset.load(tmp_path / "own")
    assert (city.name, city.command_body) == ("云岫市", "cmd")
    assert {a.code: (a.tier.value, city.areas[a.parent].code if a.parent else "") for a in city.areas.values()} == {
        "990302000000": ("district", ""),
        "990302001000": ("township", "990302000000"),
        "990302001001": ("community", "990302001000"),
        "990302002000": ("township", "990302000000"),
        "990303000000": ("district", ""),
        "990303100000": ("township", "990303000000"),
    }
    assert city.areas["990302001"].roads == ("竹溪路", "南山街")
    assert {b.name for b in city.bodies.values()} == {row[1] for row in BODIES[1:]}
    assert city.bodies[city.bodies["zx-pcs"].parent].name == "东篱分局"
    first = city.duties[0]
    assert (first.category, first.bodies, first.urgent) == ("urban.manhole", ("chengguan", "hot"), True)
    assert city.duties[1].hours == (22, 6)


def test_a_table_of_areas_alone_gets_its_stations_and_offices(tmp_path: Path) -> None:
    found(tmp_path / "own", RULES, Named("yx"), Tables(made_csv(tmp_path / "a.csv", AREAS)), models)
    city = ruleset.load(tmp_path / "own")
    assert "石桥镇派出所" in {b.name for b in city.bodies.values()}


def test_every_faulty_row_is_named_by_sheet_and_cell(tmp_path: Path) -> None:
    areas = [
        *AREAS,
        ("99030210", "短码"),
        ("990302001000", "又一个竹溪"),
        ("990305002000", "无区之镇"),
        ("110101001000", "外地街道"),
    ]
    bodies = [
        *BODIES,
        ("Bad Id", "某局", "机关", "市", "没有的单位", "没有的区", "", "也许"),
        ("zx", "重号", "部门", "市"),
    ]
    duties = [*DUTIES[:2], ("没有的事项", "没有的局", "", "25-6", "飞鸽", "没有的流程", "")]
    tables = Tables(
        made_xlsx(tmp_path / "areas.xlsx", areas, "区划"),
        made_csv(tmp_path / "bodies.csv", bodies),
        made_xlsx(tmp_path / "duties.xlsx", duties, "清单"),
    )
    told = faults(tmp_path / "own", tables)
    assert {where for where in told if where.startswith("areas.xlsx[区划]!")} == {
        "areas.xlsx[区划]!A9", "areas.xlsx[区划]!A10", "areas.xlsx[区划]!A11", "areas.xlsx[区划]!A12",
    }  # fmt: skip
    assert {where.partition("!")[2] for where in told if where.startswith("bodies.csv")} == {
        "A14", "C14", "E14", "F14", "H14", "A15",
    }  # fmt: skip
    assert {where.partition("!")[2] for where in told if where.startswith("duties.xlsx[清单]")} == {
        "A3", "B3", "D3", "E3", "F3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.csv", b"\x81\xff\xff", "neither UTF-8 nor GBK"),
        ("t.xlsx", b"PK no workbook", "is no XLSX workbook"),
        ("t.xls", b"x", "no kind of table"),
        ("t.csv", "甲,乙\n1,2\n".encode(), "names the columns 区划代码、名称"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert any(what in said for said in faults(tmp_path / "own", Tables(tmp_path / name)).values())


@pytest.mark.parametrize(
    ("code", "tier", "id_"),
    [
        ("990300000000", "city", "9903"), ("990302000000", "district", "990302"),
        ("990302001000", "township", "990302001"), ("990302001001", "community", "990302001001"),
        ("990000000000", "", ""), ("990300001000", "", ""), ("990302000001", "", ""), ("99030200100", "", ""),
        ("99030200100X", "", ""),
    ],
)  # fmt: skip
def test_the_tier_of_a_code_follows_from_its_zeros(code: str, tier: str, id_: str) -> None:
    assert level(code) == (tier, id_)
