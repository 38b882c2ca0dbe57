"""Pages made from the code are as the code is now."""

from running import ROOT

from engine import generated


def test_docs_are_as_the_code_says() -> None:
    for name, text in generated.pages().items():
        assert (ROOT / "docs" / name).read_text("utf-8") == text, f"run `fenliu docs`: docs/{name} is behind the code"
