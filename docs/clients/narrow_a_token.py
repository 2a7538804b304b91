"""Narrows an access token without asking anybody: what comes out can do less, and never more.

    pip install biscuit-python==0.4.0
    python narrow_a_token.py PUBLIC_KEY read-only                      < token
    python narrow_a_token.py PUBLIC_KEY path /api/v1/shipping/batches/ < token
    python narrow_a_token.py PUBLIC_KEY until 2026-01-02T12:00:00Z     < token

PUBLIC_KEY is the `public_key` of `GET /api/v1/auth/public-keys/` that signed the token, in hexadecimal digits.
"""

import sys
from datetime import datetime

from biscuit_auth import Algorithm, Biscuit, BlockBuilder, PublicKey


def narrowed(token: str, public_key: str, to: str, value: str | None = None) -> str:
    """The token, good for less."""
    if to == "read-only" and value is None:
        check = BlockBuilder('check if method("GET") or method("HEAD")')
    elif to == "path" and value:
        check = BlockBuilder("check if path($path), $path.starts_with({path})", {"path": value})
    elif to == "until" and value:
        check = BlockBuilder("check if time($now), $now < {until}", {"until": datetime.fromisoformat(value)})
    else:
        raise ValueError("say read-only, path and a path, or until and a time")
    key = PublicKey.from_bytes(bytes.fromhex(public_key), Algorithm.Ed25519)
    return Biscuit.from_base64(token.strip(), key).append(check).to_base64()


if __name__ == "__main__":
    print(narrowed(sys.stdin.read(), *sys.argv[1:]))
