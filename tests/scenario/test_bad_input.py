"""Faulty rules and a store that goes away: the service says what is wrong, keeps on, and recovers by itself."""

import shutil
from pathlib import Path

import pytest
from running import RULES, Service, faults, launch, until

pytestmark = pytest.mark.timeout(240)


def broken(rules: Path) -> str:
    """Break the duty table; answers the place of the fault."""
    file = rules / "duties.yaml"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if "bodies: [station, branch]" in line)
    lines[at] = lines[at].replace("station", "statoin", 1)
    file.write_text("".join(lines), "utf-8")
    return f"duties.yaml:{at + 1}:{lines[at].index('statoin') + 1}"


def mended(rules: Path) -> None:
    shutil.copy(RULES / "duties.yaml", rules / "duties.yaml")


def fault_shown(service: Service) -> str:
    return str(service.get("/reports/summary").json()["rules"]["fault"])


def test_broken_rules_at_start_are_refused_with_file_line_and_column(tmp_path: Path, model: Path) -> None:
    rules = Path(shutil.copytree(RULES, tmp_path / "rules"))
    place = broken(rules)
    service = launch(tmp_path / "data", model, "--no-console", "--rules", str(rules))
    assert service.process.wait(60) == 2
    assert place in service.log
    assert "statoin" in service.log
    assert "station" in service.log.replace("statoin", "")
    assert "Traceback" not in service.log


def test_broken_rules_at_reload_leave_the_old_ones_in_force_and_are_shown(ill_used: Service) -> None:
    rules = ill_used.data / "rules"
    before = ill_used.get("/reports/summary").json()["rules"]["city"]
    place = broken(rules)
    try:
        until(lambda: place in fault_shown(ill_used))
        assert ill_used.get("/reports/summary").json()["rules"]["city"] == before
        assert ill_used.answer("楼下太吵了，睡不着")["order_id"]
        assert "fenliu_rules_refused" in ill_used.http.get("/metrics").text
        # A process that dies while the files are faulty comes back with the rules that were in force.
        dead = ill_used.kill("api-0")
        until(lambda: ill_used.pid("api-0") != dead and ill_used.ready(), 60)
        assert place in fault_shown(ill_used)
        assert ill_used.answer("路灯坏了")["order_id"]
    finally:
        mended(rules)
    until(lambda: fault_shown(ill_used) == "")


def test_a_store_that_dies_is_503_with_retry_after_and_comes_back_with_every_call(ill_used: Service) -> None:
    taken = [ill_used.answer(f"第{n}栋楼下垃圾没有人收")["call_id"] for n in range(3)]
    call = ill_used.call("下水道堵了，污水都冒出来了")
    ill_used.kill("store")
    got = ill_used.send(call, "msg_down")
    if got.status_code != 200:  # the store may be back before the call reaches it
        faults(got, 503)
        assert int(got.headers["retry-after"]) >= 1
    until(ill_used.ready, 60)
    assert until(lambda: (again := ill_used.send(call, "msg_down")).status_code == 200 and again, 30).json()["order_id"]
    for call_id in taken:
        assert ill_used.get(f"/calls/{call_id}").json()["status"] == "committed"


def test_a_second_service_on_the_same_data_dir_is_refused(ill_used: Service, model: Path) -> None:
    """Two stores writing one log would destroy it."""
    second = launch(ill_used.data, model, "--no-console")
    assert second.process.wait(60) == 2
    assert "another `fenliu serve`" in ill_used.log
    assert ill_used.ready()


def test_nothing_clear_was_logged_in_all_this(ill_used: Service) -> None:
    phone = "13812340987"
    ill_used.answer("我的电话" + phone, caller={"phone": phone, "name": "王小明"})
    ill_used.send(ill_used.call(phone, caller={"phone": phone}, channel=phone))
    assert phone not in ill_used.log
    assert "王小明" not in ill_used.log


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_generated_secrets_do_not_leave_this_machine(tmp_path: Path, model: Path, host: str) -> None:
    service = launch(tmp_path / "data", model, "--no-console", "--host", host)
    assert service.process.wait(60) == 2
    assert "FENLIU_WEBHOOK_SECRETS" in service.log
