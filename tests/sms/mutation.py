"""Bodies that are nearly callbacks."""

from __future__ import annotations

import random

TOKENS = (
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b"1e308",
    b"-1",
    b"9" * 40,
    b"\x00",
    b"\xff\xfe",
    b"%00",
    b"%",
    b"%25",
    b"&",
    b"=",
    b'"\\ud800"',
    b"\\u0000",
    "【退订】😀".encode(),
    "退订".encode("gb18030"),
    b"'; DROP TABLE sms; --",
    b"[" * 200,
    b'{"a":' * 200,
    b"A" * 5000,
)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """One to five changes: bytes turned, cut, doubled, moved, or a hostile word put in."""
    found = bytearray(body)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(6):
            case 0 if found:
                found[at - 1] = chance.randrange(256)
            case 1:
                del found[at:]
            case 2:
                found[at:at] = chance.choice(TOKENS)
            case 3:
                end = min(len(found), at + chance.randrange(1, 40))
                del found[at:end]
            case 4:
                end = min(len(found), at + chance.randrange(1, 80))
                found[at:at] = found[at:end]
            case _:
                digits = [n for n, byte in enumerate(found) if 0x30 <= byte <= 0x39]
                if digits:
                    found[chance.choice(digits)] = chance.choice(b'0123456789"x')
    return bytes(found)
