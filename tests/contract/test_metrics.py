"""What operators watch: /metrics is sound, and dashboard and alert rules name only what is really exported."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from running import ROOT, Service, until

from engine.http.gauges import Histogram
from engine.http.metrics import METRICS

DASHBOARD, RULES = ROOT / "docs" / "ops" / "grafana.json", ROOT / "docs" / "ops" / "alerts.yaml"
_NAME = re.compile(r"\bfenliu_[a-z_]+")
_SELECTOR = re.compile(r"(fenliu_[a-z_]+)\{([^}]*)\}")
_LABEL = re.compile(r'([a-z_]+)(=~|!~|!=|=)"([^"]*)"')
_BY = re.compile(r"by \(([a-z_, ]+)\) \((?:rate|increase)\((fenliu_[a-z_]+)")
_WORDS = {"sum", "by", "rate", "increase", "absent", "histogram_quantile", "or", "and"}
_LENGTH = re.compile(r"[1-9][0-9]*[smhd]")
Samples = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def exported(service: Service) -> Samples:
    """Sample name → the label sets it is exported with, after calls, an alert, a refusal, a delivery."""
    service.answer("有人打架，动手打人了，头都打破了！", location={"address": "望潮区鼓澜街道"})
    service.answer("做任务刷单被骗了，正在转钱，让我继续垫付")
    service.http.post("/v1/calls", json={})
    until(lambda: "fenliu_deliveries_total" in service.http.get("/metrics").text, 30)
    found: Samples = {}
    for family in text_string_to_metric_families(service.http.get("/metrics").text):
        assert family.documentation
        assert family.type == METRICS[family.name if family.type != "counter" else family.name + "_total"][0]
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """(where, expression) of dashboard and rules."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])


def test_everything_that_is_exported_is_described_and_the_other_way_round(exported: Samples) -> None:
    names = {re.sub(r"_(bucket|sum|count)$", "", n) for n in exported}
    assert names <= set(METRICS)
    quiet = {"fenliu_unreached_messages", "fenliu_alerts_total"}  # nobody is unreached here
    assert set(METRICS) - quiet <= names


def test_a_histogram_adds_up(exported: Samples, service: Service) -> None:
    text = service.http.get("/metrics").text
    for name in ("fenliu_answer_seconds", "fenliu_loop_lag_seconds"):
        buckets = [float(n) for n in re.findall(rf"^{name}_bucket\{{.*\}} (\S+)$", text, re.M)]
        (count,) = re.findall(rf"^{name}_count\{{.*\}} (\S+)$", text, re.M)
        assert buckets == sorted(buckets)
        assert buckets[-1] == float(count) > 0
    counted = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        counted.add(seconds)
    assert counted.cumulated() == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]


@pytest.mark.parametrize(("where", "expr"), list(expressions()), ids=lambda v: v[:30])
def test_every_metric_and_label_that_operators_are_shown_is_exported(exported: Samples, where: str, expr: str) -> None:
    assert expr.count("(") == expr.count(")")
    assert expr.count("{") == expr.count("}")
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|by \([^)]*\)', "", expr)
    assert set(re.findall(r"[a-z_]+", bare)) - set(_NAME.findall(bare)) <= _WORDS, "a function nobody checked"
    assert all(_LENGTH.fullmatch(span) for span in re.findall(r"\[([^]]*)\]", expr))
    named = set(_NAME.findall(expr))
    assert named
    for name in named:
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert base in METRICS, name
        assert name in exported or base in ("fenliu_unreached_messages", "fenliu_alerts_total"), name
        assert (METRICS[base][0] == "gauge") or f"{name}" in "".join(re.findall(r"(?:rate|increase)\([^)]*", expr)), (
            name
        )
    for name, inside in _SELECTOR.findall(expr):
        assert _LABEL.sub("", inside).strip(", ") == "", inside
        for label, how, value in _LABEL.findall(inside):
            known = {labels.get(label) for labels in exported.get(name, [])}
            assert not exported.get(name) or known - {None}, (name, label)
            if how == "=" and "$" not in value and exported.get(name):
                assert value in known, (name, label, value)
    for labels, name in _BY.findall(expr):
        for label in labels.split(", "):
            assert not exported.get(name) or all(label in each for each in exported[name]), (name, label)


def test_every_rule_says_how_long_how_bad_and_what_to_do() -> None:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) >= 10
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"Fenliu[A-Z][A-Za-z]+", rule["alert"])
        assert _LENGTH.fullmatch(rule["for"])
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert re.search(r"[一-鿿]", rule["annotations"]["summary"])
        assert rule["annotations"]["runbook"]


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    board: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    ids = [p["id"] for p in board["panels"]]
    assert len(set(ids)) == len(ids) >= 10
    variables = {v["name"] for v in board["templating"]["list"]}
    assert variables == {"datasource", "city"}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
        assert len({t["refId"] for t in panel["targets"]}) == len(panel["targets"])
        assert set(re.findall(r"\$(\w+)", json.dumps(panel["targets"]))) <= variables
