"""The ledger's signing key as files: the private key readable by its owner only, the public key for everyone.

    keys/ledger.ed25519   PKCS #8 PEM, mode 0600
    keys/ledger.vkey      the public key in note form, one line for each ledger that it has signed for

`cryptography` is imported on use, so that commands which only read never load it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.assets.errors import ResourceError
from headwater.lineage.checkpoint import Verifier

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE_FILE: Final = "ledger.ed25519"
PUBLIC_FILE: Final = "ledger.vkey"


@dataclass(frozen=True, slots=True)
class FileSigner:
    """A signer (see lineage.checkpoint.Signer) whose key was read from a file."""

    vkey: str
    _key: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of `message`."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """The folder of keys of one project, `.headwater/keys`."""

    folder: Path

    def is_gone(self) -> bool:
        """Return whether there is no private key, and nothing else in its place either."""
        return not (self.folder / PRIVATE_FILE).exists() and (self.folder.is_dir() or not self.folder.exists())

    def signer(self, origin: str) -> FileSigner:
        """Return the signer for the ledger called `origin`, making the key on first use.

        Raises ResourceError where the key cannot be read or written, or others can read it.
        """
        private = self.folder / PRIVATE_FILE
        try:
            if not private.exists():
                self._make(private)
            key = _load(private)
        except OSError as error:
            raise ResourceError(f"The signing key {private} is unavailable: {error}.", "Check the folder.") from error
        verifier = Verifier(origin, key.public_key().public_bytes_raw())
        self._publish(verifier)
        return FileSigner(verifier.vkey, key)

    def verifiers(self) -> tuple[Verifier, ...]:
        """Return the public keys on file, none where there is no file. Raises IntegrityError for a malformed one."""
        try:
            lines = (self.folder / PUBLIC_FILE).read_text("utf-8").splitlines()
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise ResourceError(f"{self.folder / PUBLIC_FILE} cannot be read: {error}.", "Check the file.") from error
        return tuple(Verifier.from_vkey(line) for line in lines if line)

    def _make(self, private: Path) -> None:
        """Write a new key whole or not at all; where another process was faster, its key stays."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = private.with_name(f"{PRIVATE_FILE}.{secrets.token_hex(8)}")
        try:
            _write(draft, pem, 0o600)
            with suppress(FileExistsError):
                os.link(draft, private)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(self.folder)

    def _publish(self, verifier: Verifier) -> None:
        """Add the public key to the file of public keys, if it is not there."""
        known = [known.vkey for known in self.verifiers()]
        if verifier.vkey in known:
            return
        public = self.folder / PUBLIC_FILE
        draft = public.with_name(f"{PUBLIC_FILE}.{secrets.token_hex(8)}")
        try:
            _write(draft, "".join(f"{vkey}\n" for vkey in [*known, verifier.vkey]).encode(), 0o644)
            draft.replace(public)
        except OSError as error:
            raise ResourceError(
                f"{public} cannot be written: {error}.", "Check that the folder is writable."
            ) from error
        finally:
            draft.unlink(missing_ok=True)


def _load(private: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if os.name == "posix" and private.stat().st_mode & 0o077:
        raise ResourceError(f"Others can read the signing key {private}.", f"Run `chmod 600 {private}`.")
    try:
        key = load_pem_private_key(private.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ResourceError(f"{private} is not a private key: {error}", "Put the right key back.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ResourceError(f"{private} is not an Ed25519 key.", "Put the right key back.")
    return key


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the folder's names durable: a ledger must never outlive the key that signed it."""
    if os.name != "posix":  # elsewhere a folder cannot be opened, and names are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
