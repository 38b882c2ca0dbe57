"""The privacy room: one number one hash, masks that hide, seals bound to their call."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.call import Contact
from engine.privacy import Vault, mask_name, mask_phone

KEY = bytes(range(32))
VAULT = Vault(KEY)
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@given(MOBILES, st.sampled_from([" ", "-", "", "．", "\u00a0"]))
def test_one_number_has_one_hash_however_it_is_written(number: str, gap: str) -> None:
    spaced = gap.join((number[:3], number[3:7], number[7:]))
    spellings = [number, spaced, f"+86{number}", f"+86 {spaced}", f"0086{number}", f"86{number}", f"(+86){spaced}"]
    spellings.append(number.translate(WIDE))
    assert len({VAULT.hash_phone(s) for s in spellings}) == 1


@given(MOBILES, MOBILES)
def test_two_numbers_have_two_hashes(one: str, two: str) -> None:
    assert (VAULT.hash_phone(one) == VAULT.hash_phone(two)) == (one == two)


@given(MOBILES)
def test_a_hash_tells_nothing_without_the_key(number: str) -> None:
    hashed = VAULT.hash_phone(number)
    assert number not in hashed
    assert hashed != Vault(bytes(32)).hash_phone(number)


@pytest.mark.parametrize("nothing", ["", "不详", "-"])
def test_no_number_has_no_hash_and_links_to_nobody(nothing: str) -> None:
    assert VAULT.hash_phone(nothing) == ""


@given(st.text(max_size=40))
def test_a_mask_shows_at_most_seven_digits_of_any_number(number: str) -> None:
    shown = sum(c.isdecimal() for c in mask_phone(number))
    digits = sum(c.isdecimal() for c in number)
    assert shown <= 7
    assert not digits or shown < digits or digits == shown == 0


def test_masks_read_as_people_expect() -> None:
    assert mask_phone("+86 138 0000 1234") == "138****1234"
    assert mask_phone("8812345") == "****45"
    assert (mask_phone("110"), mask_phone("")) == ("****", "")
    assert (mask_name("王小明"), mask_name("王"), mask_name("欧阳小小明"), mask_name("")) == ("王**", "王", "欧**", "")


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_sealed_contact_opens_for_its_call_only(phone: str, text: str) -> None:
    contact = Contact(phone=phone, name="王小明", text=text, address="锦绣苑")
    sealed = VAULT.seal(contact, "C1")
    assert VAULT.open(sealed, "C1") == contact
    assert VAULT.open(sealed, "C2") == Contact()
    assert Vault(bytes(32)).open(sealed, "C1") == Contact()
    assert sealed != VAULT.seal(contact, "C1")


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
def test_rubbish_opens_to_an_empty_contact(sealed: str) -> None:
    assert VAULT.open(sealed, "C1") == Contact()


def test_a_flipped_bit_is_noticed() -> None:
    raw = bytearray(base64.b64decode(VAULT.seal(Contact(phone="13800001234"), "C1")))
    raw[20] ^= 1
    assert VAULT.open(base64.b64encode(bytes(raw)).decode(), "C1") == Contact()


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")
