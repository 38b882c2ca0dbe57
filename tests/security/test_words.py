"""What leaves in words: log lines, headers, pages, files. Nobody's data, no forged line, no second header."""

import json
import logging
import re
import struct
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import ROOT, Service, until

from engine.errors import NotFound
from engine.logs import Lines, plain

PHONE, NAME, IDENTITY = "13912344321", "欧阳小满", "110101199003078515"
LINE = "2026-01-05T10:00:00.000+00:00 INFO fenliu.forged all is well"
EVIL = f"垃圾没人收\r\n{LINE}\u2028<script>evil()</script><img src=x onerror=evil()>"


def said(form: str, message: str, *args: object, **extra: object) -> str:
    record = logging.LogRecord("fenliu.test", logging.INFO, "x.py", 1, message, args, None)
    vars(record).update(extra)
    return Lines(as_json=form == "json").format(record)


@given(st.text(), st.text(), st.sampled_from(["text", "json"]))
def test_a_record_is_one_line_whatever_it_carries(message: str, value: str, form: str) -> None:
    line = said(form, "%s", message, call_id=value)
    assert len(line.splitlines()) == 1
    assert line.isprintable() or form == "json" or not any(c in line for c in "\r\n\x1b\u2028\u202e")
    if form == "json":
        found = json.loads(line)
        assert found["call_id"] == plain(value)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "secret",
    [PHONE, f"+86{PHONE}", "139-1234-4321", "139 1234 4321", IDENTITY, IDENTITY[:-1] + "X", "whsec_" + "A" * 43 + "=",
     "Bearer abcdefgh12345678"],
)  # fmt: skip
def test_numbers_and_secrets_are_blotted_out_wherever_they_stand(form: str, secret: str) -> None:
    kept = secret.removeprefix("Bearer ")
    assert kept not in said(form, "about %s and more", f"人{secret}人", call_id=f"x {secret}")
    assert "C20260105-1391234432112345" in said(form, "of %s", "C20260105-1391234432112345"), "an id of ours stays"


def test_of_an_exception_its_kind_and_places_are_told_and_its_words_only_when_they_are_ours() -> None:
    def line(error: Exception) -> str:
        try:
            try:
                int(f"{NAME} {PHONE}")
            finally:
                raise error
        except Exception as raised:
            record = logging.LogRecord(
                "fenliu.test", logging.ERROR, "x.py", 1, "broken", (), (type(raised), raised, raised.__traceback__)
            )
            return Lines(as_json=False).format(record)

    found = line(KeyError(NAME))
    assert NAME not in found
    assert re.search(r"KeyError at .*test_words\.py:\d+ line after ValueError at ", found)
    assert "no order O1" in line(NotFound("no order O1"))


# --- the running service


def sent(service: Service, **more: object) -> str:
    """A call full of what must not come out anywhere; answers its id."""
    caller = {"phone": PHONE, "name": NAME, "kind": f"x\r\n{LINE[:28]}"}
    extra = {"k\r\nx: y": f"v\r\n{LINE}", "tel": PHONE}
    text = f"我叫{NAME}，电话{PHONE}，身份证{IDENTITY}，{EVIL}"
    found = service.answer(text, caller=caller, extra=extra, operator=f"op\r\n{LINE[:58]}", **more)
    return str(found["call_id"])


def test_every_line_of_the_log_is_whole_and_carries_ids_and_nobodys_data(guarded: Service) -> None:
    call = sent(guarded, location={"address": f"锦绣苑3号楼{PHONE}"})
    order = guarded.get(f"/calls/{call}").json()["order_id"]
    headers = guarded.auth("admin")
    for odd in ("O1%0d%0a" + quote(LINE), f"O1%0A{PHONE}", quote(EVIL), quote(PHONE)):
        for path in ("/v1/orders/", "/v1/calls/", "/orders/", "/calls/", "/v1/", "/"):
            guarded.http.get(path + odd, headers=headers)
    guarded.http.get("/v1/orders", headers={"authorization": f"Bearer {PHONE}\u00e9".encode("latin-1")})
    guarded.post(f"/orders/{order}/events", {"type": "note", "note": f"{PHONE}\r\n{LINE}"}, "officer")
    left = guarded.answer("有人打架，动手打人了，头都打破了！", caller={"phone": PHONE, "name": NAME})["order_id"]
    until(lambda: any('"message_id"' in line and left in line for line in guarded.log.splitlines()), 30)
    lines = [line for line in guarded.log.splitlines() if "fenliu." in line or line.startswith("{")]
    ours = [json.loads(line) for line in lines if line.startswith("{")]
    assert not [line for line in lines if not line.startswith("{")], "a line that no formatter of ours wrote"
    told = [line for line in ours if line.get("call_id") == call]
    assert told
    assert {"call_id", "order_id", "logger", "level", "at"} <= set(told[0])
    assert any(line.get("message_id") and line.get("order_id") == left for line in ours), "the message that left"
    everything = "".join(p.read_text("utf-8", "replace") for p in guarded.data.rglob("*.log"))
    tokens = [guarded.token(role) for role in ("admin", "officer", "reader")]
    keys = [
        (guarded.data / "webhook_secret").read_text("utf-8").strip(),
        (guarded.data / "privacy_key").read_text("utf-8").strip(),
    ]
    keys += re.findall(r"whsec_\S+", (guarded.data / "body_secrets.yaml").read_text("utf-8"))
    for secret in (PHONE, NAME, IDENTITY, "锦绣苑", "垃圾没人收", *tokens, *keys):
        assert secret not in everything
    assert "fenliu.forged" not in {line.get("logger") for line in ours}


@pytest.mark.parametrize(
    "to", ["//evil.example/", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/a\r\nset-cookie: x=y",
           "/%0d%0ax", "javascript:evil()", "/\t/evil.example", "/\u2028"]
)  # fmt: skip
def test_signing_in_leads_nowhere_else_and_adds_no_header(guarded: Service, to: str) -> None:
    until(lambda: guarded.http.get("/sign-in").status_code == 200, 90)
    got = guarded.http.post("/sign-in", data={"token": guarded.token("reader"), "to": to})
    assert got.status_code == 303, got.text
    assert re.fullmatch(r"/([^/\\\s][!-~]*)?", got.headers["location"]), got.headers["location"]
    assert "x" not in got.cookies
    asked = guarded.http.get("/sign-in", params={"to": to})
    assert "evil.example" not in asked.text or 'value="/' in asked.text
    guarded.http.cookies.clear()


def test_what_a_caller_says_is_text_on_every_page_and_in_every_file(guarded: Service) -> None:
    call = sent(guarded)
    shown = guarded.get(f"/calls/{call}").json()
    order, dossier = shown["order_id"], shown["answer"]["links"]["dossier_id"]
    signed_in = guarded.http.post("/sign-in", data={"token": guarded.token("officer")})
    assert signed_in.status_code == 303
    paths = ["/", f"/calls/{call}", f"/orders/{order}", "/review", "/dossiers", "/console-data/board.json"]
    paths += [f"/dossiers/{dossier}", f"/dossiers/{dossier}/print"] if dossier else []
    seen = 0
    for path in paths:
        page = guarded.http.get(path)
        assert page.status_code == 200, path
        seen += "evil()" in page.text
        if "json" not in page.headers["content-type"]:
            assert "<script>evil" not in page.text, path
            assert "<img src=x" not in page.text, path
        assert PHONE not in page.text
    assert seen, "the words did come out somewhere"
    guarded.http.cookies.clear()


@pytest.mark.parametrize(
    "asked", [{"format": "../../x"}, {"format": "csv\r\nx: y"}, {"by": "../../etc"}, {"from": "../x"}]
)
def test_an_export_is_named_by_nothing_that_was_asked(guarded: Service, asked: dict[str, str]) -> None:
    """The file's name is made of dates and of words from closed lists (engine/http/reports.py)."""
    got = guarded.get("/reports/export", **asked)
    assert got.status_code == 422
    assert "content-disposition" not in got.headers


@pytest.mark.parametrize(
    "id_", ["../tokens", "..%2ftokens", "%2e%2e%2ftokens", "m/../../x", "m%00", ".m", "M", "m.yaml", "~", "a" * 70]
)
def test_a_model_is_named_by_a_plain_word_and_lies_in_its_folder(guarded: Service, id_: str) -> None:
    files = sorted(p for p in guarded.data.rglob("*") if p.suffix in (".yaml", ".json"))
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/check"), ("POST", "/moves")):
        value = {"text": "id: m_x", "move": "retire", "reason": "x"} if method == "POST" else {"text": "id: m_x"}
        got = guarded.http.request(method, f"/v1/models/{id_}{path}", json=value, headers=guarded.auth("admin"))
        assert got.status_code in (404, 405, 422), (method, got.text)
    assert sorted(p for p in guarded.data.rglob("*") if p.suffix in (".yaml", ".json")) == files


@pytest.mark.parametrize(
    "path",
    ["/console-static/../serving.py", "/console-static/%2e%2e/serving.py", "/console-static/..%2f..%2fcli.py",
     "/console-static//etc/passwd", "/_nicegui/..%2f..%2f..%2fetc%2fpasswd"],
)  # fmt: skip
def test_static_files_are_those_of_their_folder(guarded: Service, path: str) -> None:
    got = guarded.http.get(path)
    assert got.status_code in (404, 405, 307, 303), got.text[:200]
    assert "root:" not in got.text
    assert "from engine" not in got.text


def test_pictures_hold_pixels_and_nothing_else() -> None:
    """A screenshot or a chart tells of no machine and no person beside what is drawn: no text, no time, no place."""
    pictures = [*ROOT.glob("docs/**/*.png")]
    assert pictures
    for picture in pictures:
        chunks = {kind: value for kind, value in _chunks(picture)}
        left = set(chunks) - {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"pHYs", b"tRNS", b"sRGB", b"gAMA", b"tEXt"}
        assert not left, (picture.name, left)
        assert chunks.get(b"tEXt", b"Software").startswith(b"Software"), picture.name


def _chunks(picture: Path) -> list[tuple[bytes, bytes]]:
    raw, at, found = picture.read_bytes(), 8, []
    while at < len(raw):
        length = struct.unpack(">I", raw[at : at + 4])[0]
        found.append((raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]))
        at += 12 + length
    return found
