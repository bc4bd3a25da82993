import pytest

from common.tokens import BadToken, KeyRing, hex_form, url_form

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing({7: OLD, 8: NEW}, 8)


def test_a_token_names_tenant_message_and_recipient_in_32_url_characters():
    token = RING.mint(4_000_000_000, 1_000_000_000_000, 4_294_967_295)
    assert len(token) == 32
    assert RING.read(token) == (4_000_000_000, 1_000_000_000_000, 4_294_967_295)
    assert RING.read(token.decode()) == RING.read(token)


def test_the_same_token_survives_a_mail_address_that_lost_its_case():
    raw = RING.minter(1, 2)(3)
    assert len(raw) == 24
    assert RING.read_hex(hex_form(raw).upper()) == RING.read(url_form(raw)) == (1, 2, 3)


def test_minting_again_gives_the_same_token():
    assert RING.mint(1, 2, 3) == RING.mint(1, 2, 3)
    assert RING.mint(1, 2, 3) == url_form(RING.minter(1, 2)(3))


def test_a_token_with_any_one_bit_changed_is_refused():
    raw = RING.minter(1, 2)(3)
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadToken):
            RING.read(url_form(bytes(changed)))


def test_the_next_recipients_token_cannot_be_guessed_from_this_one():
    mine = RING.minter(1, 2)(3)
    forged = mine[:10] + (4).to_bytes(4, "big") + mine[14:]
    with pytest.raises(BadToken):
        RING.read(url_form(forged))


def test_a_token_of_one_tenant_is_not_a_token_of_another():
    forged = bytearray(RING.minter(1, 2)(3))
    forged[4] = 2
    with pytest.raises(BadToken):
        RING.read(url_form(bytes(forged)))


def test_a_retired_key_no_longer_opens_and_a_kept_one_does():
    before = KeyRing({7: OLD}, 7).mint(1, 2, 3)
    assert RING.read(before) == (1, 2, 3)
    with pytest.raises(BadToken):
        KeyRing({8: NEW}, 8).read(before)


@pytest.mark.parametrize(
    "rubbish",
    ["", "x", "A" * 31, "A" * 33, "A" * 32, "+" * 32, "A" * 31 + "=", "é" * 32, "A" * 31 + "\n", b"\xff" * 32],
)
def test_rubbish_is_a_bad_token_and_nothing_else(rubbish):
    with pytest.raises(BadToken):
        RING.read(rubbish)
    with pytest.raises(BadToken):
        RING.read_hex(rubbish)


def test_numbers_that_do_not_fit_are_refused_when_the_message_is_compiled():
    with pytest.raises(ValueError, match="does not fit"):
        RING.minter(1 << 32, 1)
    with pytest.raises(ValueError, match="does not fit"):
        RING.minter(1, 1 << 40)


@pytest.mark.parametrize(
    ("keys", "current"), [({1: b"short"}, 1), ({256: OLD}, 256), ({1: OLD}, 2), ({1: b"x" * 65}, 1)]
)
def test_a_key_ring_that_cannot_work_is_refused(keys, current):
    with pytest.raises(ValueError, match="key"):
        KeyRing(keys, current)
