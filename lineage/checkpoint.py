"""Checkpoints: signed statements of a ledger's size and Merkle root.

The formats are C2SP signed-note (v1.0.0) and C2SP tlog-checkpoint (v1.0.0), signed with Ed25519 (RFC 8032), so that
witnesses and tools of other makers can read them. `cryptography` is imported on use: reading state never needs it.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from headwater.assets.errors import IntegrityError
from headwater.lineage.merkle import HASH_BYTES

MAX_NOTE_BYTES = 64 * 1024
MAX_SIGNATURES = 64
_ED25519 = b"\x01"
_DASH = "\u2014 "


class Signer(Protocol):
    """Holds a private key. The contract is one method, so that a file, a key ring or a KMS can stand behind it."""

    @property
    def vkey(self) -> str:
        """The public key in note form, `name+key id+base64(type, key)`; the name is the ledger's origin."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `message`."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint states: this ledger had `size` entries and this Merkle `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Return the note text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note: who says to have signed, with which key, and the signature itself."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed signed note. Nothing in it is to be believed before `verified_by` named a trusted key."""

    text: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key that is trusted under a name."""

    name: str
    public_key: bytes

    @classmethod
    def from_vkey(cls, vkey: str) -> Verifier:
        """Return the key written as `vkey`. Raises IntegrityError unless it is one Ed25519 key in its one spelling."""
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        data = _base64(encoded, "verifier key")
        if len(data) != 33 or data[:1] != _ED25519:
            raise IntegrityError("The verifier key is not an Ed25519 key of the signed-note format.")
        verifier = cls(name, data[1:])
        if key_id != verifier.key_id.hex():
            raise IntegrityError(f"The verifier key of {name!r} does not have the id it states.")
        return verifier

    def __post_init__(self) -> None:
        _check_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name, newline, signature type, public key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key in note form."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public_key).decode()}"

    def accepts(self, message: bytes, signature: bytes) -> bool:
        """True where `signature` is this key's signature of `message`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def sign_note(text: bytes, *signers: Signer) -> bytes:
    """Return `text` as a note signed by each of `signers`. Raises IntegrityError for a text that no note can hold."""
    lines = []
    for signer in signers:
        verifier = Verifier.from_vkey(signer.vkey)
        signature = b64encode(verifier.key_id + signer.sign(text)).decode()
        lines.append(f"{_DASH}{verifier.name} {signature}\n")
    note = text + b"\n" + "".join(lines).encode()
    if parse_note(note).text != text:
        raise IntegrityError("The text cannot be told from its signatures.")
    return note


def parse_note(data: bytes) -> Note:
    """Return the note that `data` holds. Raises IntegrityError for anything but the exact format."""
    if len(data) > MAX_NOTE_BYTES:
        raise IntegrityError(f"The note takes more than {MAX_NOTE_BYTES} bytes.")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise IntegrityError("The note is not UTF-8 text.") from None
    if any(character < " " and character != "\n" for character in note):
        raise IntegrityError("The note holds a control character.")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise IntegrityError("The note has no blank line followed by signature lines.")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise IntegrityError(f"The note has more than {MAX_SIGNATURES} signatures.")
    return Note(f"{text}\n".encode(), tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise IntegrityError("A signature line of the note is malformed.")
    _check_name(name)
    data = _base64(encoded, "signature")
    if len(data) <= 4:
        raise IntegrityError("A signature of the note is empty.")
    return Signature(name, data[:4], data[4:])


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Return what the note `text` states. Raises IntegrityError unless it is exactly origin, size and root.

    Extension lines are refused: Headwater writes none, and the specification advises against them.
    """
    lines = text.decode("utf-8").split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise IntegrityError("A checkpoint is three lines: origin, size and root.")
    origin, size, root = lines[:3]
    if not (size.isascii() and size.isdigit()) or (size[0] == "0" and size != "0") or len(size) > 16:
        raise IntegrityError("The size in the checkpoint is not a number.")
    hash_ = _base64(root, "root")
    if len(hash_) != HASH_BYTES:
        raise IntegrityError("The root in the checkpoint is not a hash of 32 bytes.")
    return Checkpoint(origin, int(size), hash_)


def verified_by(note: Note, verifiers: Iterable[Verifier]) -> tuple[Verifier, ...]:
    """Return those of `verifiers` that signed `note`.

    Raises IntegrityError where a signature that claims a trusted key is wrong, and where no trusted key signed.
    Signatures by unknown keys are passed over, as the specification asks.
    """
    trusted = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    found = []
    for line in note.signatures:
        verifier = trusted.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.accepts(note.text, line.signature):
            raise IntegrityError(f"The signature by {line.name} does not verify.")
        found.append(verifier)
    if not found:
        raise IntegrityError("No trusted key signed the checkpoint.")
    return tuple(found)


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """Return `checkpoint` as a note signed by each of `signers`."""
    parse_checkpoint(checkpoint.text())
    return sign_note(checkpoint.text(), *signers)


def open_checkpoint(data: bytes, verifiers: Iterable[Verifier], origin: str | None = None) -> Checkpoint:
    """Return the checkpoint in the note `data`, if a trusted key signed it.

    With `origin`, a checkpoint of another ledger is refused. Raises IntegrityError for everything that is not right.
    """
    note = parse_note(data)
    verified_by(note, verifiers)
    checkpoint = parse_checkpoint(note.text)
    if origin is not None and checkpoint.origin != origin:
        raise IntegrityError(f"The checkpoint is of the ledger {checkpoint.origin!r}, not of {origin!r}.")
    return checkpoint


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise IntegrityError(f"{name!r} cannot name a key: it is empty, or holds a space or a plus.")


def _base64(text: str, what: str) -> bytes:
    """Decode standard base64 in its one spelling (RFC 4648 section 3.5: stray bits are refused)."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise IntegrityError(f"The {what} is not base64.") from None
    if b64encode(data).decode() != text:
        raise IntegrityError(f"The {what} is not base64 in its one spelling.")
    return data
