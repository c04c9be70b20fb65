"""Notes and checkpoints: the vectors of others, every flipped bit refused, unknown signatures passed over."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headwater.assets.errors import IntegrityError
from headwater.lineage.checkpoint import (
    Checkpoint,
    Verifier,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    sign_note,
    verified_by,
)

ORIGIN = "headwater.invalid/ledger/1"


class MemorySigner:
    """A signer with a key made from one byte, so that every run signs the same."""

    def __init__(self, name: str = ORIGIN, seed: int = 1) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


SIGNER = MemorySigner()
CHECKPOINT = Checkpoint(ORIGIN, 42, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)

# golang.org/x/mod/sumdb/note, note_test.go
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

# C2SP tlog-checkpoint, the example of the specification; its public key is not part of it.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()


def test_the_note_of_the_go_implementation_verifies() -> None:
    verifier = Verifier.from_vkey(GO_KEY)
    assert verifier.vkey == GO_KEY
    assert verified_by(parse_note(GO_NOTE), [verifier]) == (verifier,)


def test_the_example_of_the_specification_parses() -> None:
    note = parse_note(C2SP_CHECKPOINT)
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == note.text
    assert [len(line.signature) for line in note.signatures] == [64]


def test_a_checkpoint_comes_back_from_its_note() -> None:
    assert open_checkpoint(NOTE, [SIGNER.verifier], ORIGIN) == CHECKPOINT
    assert NOTE.decode().splitlines()[:3] == [ORIGIN, "42", b64encode(CHECKPOINT.root).decode()]


def test_every_flipped_bit_is_refused() -> None:
    for place in range(len(NOTE)):
        for bit in range(8):
            changed = bytearray(NOTE)
            changed[place] ^= 1 << bit
            with pytest.raises(IntegrityError):
                open_checkpoint(bytes(changed), [SIGNER.verifier], ORIGIN)


@pytest.mark.parametrize("cut", range(1, len(NOTE)))
def test_every_cut_is_refused(cut: int) -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(NOTE[:cut], [SIGNER.verifier])


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    other = MemorySigner("witness.example/w1", 2)
    note = sign_checkpoint(CHECKPOINT, SIGNER, other)
    assert open_checkpoint(note, [SIGNER.verifier]) == CHECKPOINT
    assert verified_by(parse_note(note), [other.verifier, SIGNER.verifier]) == (SIGNER.verifier, other.verifier)


def test_the_same_name_with_another_key_is_unknown() -> None:
    with pytest.raises(IntegrityError, match="No trusted key"):
        open_checkpoint(NOTE, [MemorySigner(ORIGIN, 2).verifier])


def test_a_wrong_signature_of_a_known_key_spoils_a_note_that_others_signed() -> None:
    other = MemorySigner("witness.example/w1", 2)
    good, forged = sign_checkpoint(CHECKPOINT, SIGNER), sign_note(b"something else\n", other)
    note = good + forged.split(b"\n\n")[1]
    with pytest.raises(IntegrityError, match=r"by witness\.example/w1 does not verify"):
        open_checkpoint(note, [SIGNER.verifier, other.verifier])


def test_a_checkpoint_of_another_ledger_is_refused() -> None:
    other = sign_checkpoint(Checkpoint("headwater.invalid/ledger/2", 42, bytes(32)), SIGNER)
    with pytest.raises(IntegrityError, match="is of the ledger"):
        open_checkpoint(other, [SIGNER.verifier], ORIGIN)


SIGNATURE = NOTE.split(b"\n\n")[1]
BAD_NOTES = {
    "empty": b"",
    "no signature": CHECKPOINT.text(),
    "no blank line": CHECKPOINT.text() + SIGNATURE,
    "blank line only": CHECKPOINT.text() + b"\n",
    "hyphen for the dash": NOTE.replace("\u2014".encode(), b"-"),
    "two spaces": NOTE.replace("\u2014 ".encode(), "\u2014  ".encode()),
    "carriage return": NOTE.replace(b"\n", b"\r\n"),
    "tab": NOTE.replace(b"42", b"42\t"),
    "not UTF-8": NOTE.replace(b"42", b"\xff"),
    "no newline at the end": NOTE[:-1],
    "newline too many": NOTE + b"\n",
    "signature not base64": CHECKPOINT.text() + "\n\u2014 name ????\n".encode(),
    "signature too short": CHECKPOINT.text() + "\n\u2014 name AAAA\n".encode(),
    "stray bits in base64": CHECKPOINT.text() + "\n\u2014 name AAAAAAB=\n".encode(),
    "plus in the name": CHECKPOINT.text() + "\n\u2014 na+me AAAAAAAA\n".encode(),
    "too many signatures": CHECKPOINT.text() + b"\n" + SIGNATURE * 65,
    "too large": b"x\n" * 40_000 + b"\n" + SIGNATURE,
}


@pytest.mark.parametrize("note", BAD_NOTES.values(), ids=BAD_NOTES.keys())
def test_malformed_notes_are_refused(note: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_note(note)


ROOT = b64encode(bytes(32)).decode()
BAD_TEXTS = {
    "two lines": "a\n1\n",
    "extension line": f"a\n1\n{ROOT}\nmore\n",
    "empty origin": f"\n1\n{ROOT}\n",
    "leading zero": f"a\n01\n{ROOT}\n",
    "negative": f"a\n-1\n{ROOT}\n",
    "plus": f"a\n+1\n{ROOT}\n",
    "other digits": f"a\n\u0661\n{ROOT}\n",
    "underscore": f"a\n1_0\n{ROOT}\n",
    "no size": f"a\n\n{ROOT}\n",
    "absurd size": f"a\n{'9' * 17}\n{ROOT}\n",
    "short root": f"a\n1\n{b64encode(bytes(31)).decode()}\n",
    "root in hex": f"a\n1\n{'00' * 32}\n",
    "no newline": f"a\n1\n{ROOT}",
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        parse_checkpoint(text.encode())


BAD_KEYS = {
    "empty": "",
    "no key": "name+c74f20a3",
    "wrong id": GO_KEY.replace("c74f20a3", "c74f20a4"),
    "upper-case id": GO_KEY.replace("c74f20a3", "C74F20A3"),
    "another name": GO_KEY.replace("Peter", "Paul"),
    "another algorithm": "n+00000000+" + b64encode(b"\x02" + bytes(32)).decode(),
    "too short": "n+00000000+" + b64encode(b"\x01" + bytes(31)).decode(),
    "not base64": "n+00000000+!",
    "space in the name": GO_KEY.replace("Peter", "Peter "),
}


@pytest.mark.parametrize("vkey", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_malformed_keys_are_refused(vkey: str) -> None:
    with pytest.raises(IntegrityError):
        Verifier.from_vkey(vkey)


def test_a_text_that_could_be_misread_is_not_signed() -> None:
    for text in (b"", b"no newline", "a\n\n\u2014 x AAAAAAAA\n".encode()[:-1], b"bell\x07\n", b"\xff\n"):
        with pytest.raises(IntegrityError):
            sign_note(text, SIGNER)
    with pytest.raises(IntegrityError):
        sign_checkpoint(Checkpoint("two\nlines", 1, bytes(32)), SIGNER)


def test_reading_state_does_not_load_cryptography() -> None:
    modules = "headwater.runtime.ledger, headwater.runtime.ledger_verify, headwater.runtime.keys"
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"cryptography", "duckdb", "sqlglot", "pydantic", "networkx", "rfc8785"} & set(loaded)
