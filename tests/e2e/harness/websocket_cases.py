# SPDX-License-Identifier: Apache-2.0
"""Conversations with a WebSocket endpoint, after the groups of the Autobahn test suite (its numbers are in the names):
what the client sends, in which pieces, and every byte the endpoint answers."""
import random

from .websocket import (BAD_DATA, BINARY, CLOSE, CONTINUATION, PING, PONG, PROTOCOL_ERROR, TEXT, close, closed, deflated,
                        frame, said)

HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
FAILED, BAD_TEXT, DONE = closed(PROTOCOL_ERROR), closed(BAD_DATA), closed()


class Case:
    def __init__(self, name, sent, answers, chop=None, deflate=False):
        """sent, answers: frames. chop: sent in pieces of so many bytes, else a frame at a time."""
        self.name, self.answer, self.deflate = name, b"".join(answers), deflate
        data = b"".join(sent)
        self.pieces = [data[i:i + chop] for i in range(0, len(data), chop)] if chop else list(sent)
        self.count = len(data)


def echo(name, opcode, payload, **options):
    return Case(name, [frame(opcode, payload), close()], [said(opcode, payload), DONE], **options)


def fragments(opcode, payload, size):
    """A message in frames of this size."""
    parts = [payload[i:i + size] for i in range(0, len(payload), size)] or [b""]
    return [frame(opcode if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1) for i, part in enumerate(parts)]


def text_of(size):
    return (b"*" * 7 + "µ€𐍈".encode()) * (size // 16) + b"." * (size % 16)


def bytes_of(size):
    return random.Random(size).randbytes(size)


def _framing():
    for size in (0, 125, 126, 127, 128, 65535, 65536):
        yield echo(f"1.1 text of {size}", TEXT, text_of(size))
        yield echo(f"1.2 binary of {size}", BINARY, bytes_of(size))
    yield echo("1.1.8 text in pieces of 997", TEXT, text_of(65536), chop=997)
    yield echo("1.2.8 binary in pieces of 997", BINARY, bytes_of(65536), chop=997)
    for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1"):
        yield Case(f"mask {mask.hex()}", [frame(TEXT, HELLO, mask=mask), close(mask=mask)], [said(TEXT, HELLO), DONE])
    yield Case("not masked", [frame(TEXT, HELLO, mask=None), close()], [FAILED])
    for form in (16, 64):
        yield Case(f"a length of {form} bits that needs 7", [frame(TEXT, HELLO, form=form), close()], [FAILED])
    yield Case("a length of 64 bits that needs 16", [frame(BINARY, bytes_of(300), form=64), close()], [FAILED])
    yield Case("a length of 2^63", [b"\x82\xff" + b"\x80" + b"\0" * 7 + b"mask"], [FAILED])


def _pings():
    for name, payload in (("nothing", b""), ("text", b"Hello, world!"), ("not UTF-8", b"\0\xff\xfe\xfd\xfc\xfb\0\xff"),
                          ("125 bytes", b"\xfe" * 125)):
        yield Case(f"2 ping with {name}", [frame(PING, payload), close()], [said(PONG, payload), DONE])
    yield Case("2.5 ping of 126", [frame(PING, b"\xfe" * 126), close()], [FAILED])
    yield Case("2.6 ping byte by byte", [frame(PING, b"\xfe" * 125), close()], [said(PONG, b"\xfe" * 125), DONE], chop=1)
    yield Case("2.7 pong", [frame(PONG), close()], [DONE])
    yield Case("2.8 pong with payload", [frame(PONG, b"unasked"), close()], [DONE])
    yield Case("2.9 pong, ping", [frame(PONG, b"unasked"), frame(PING, b"asked"), close()], [said(PONG, b"asked"), DONE])
    ten = [b"payload-%d" % i for i in range(10)]
    for chop in (None, 1):
        yield Case(f"2.10 ten pings, chop {chop}", [frame(PING, p) for p in ten] + [close()],
                   [said(PONG, p) for p in ten] + [DONE], chop=chop)


def _reserved():
    for rsv in range(1, 8):
        for name, opcode in (("text", TEXT), ("binary", BINARY), ("ping", PING), ("close", CLOSE), ("pong", PONG)):
            payload = b"\3\xe8" if opcode == CLOSE else b"abc"
            yield Case(f"3 rsv {rsv} in {name}", [frame(TEXT, HELLO), frame(opcode, payload, rsv=rsv), frame(PING), close()],
                       [said(TEXT, HELLO), FAILED])
    yield Case("3.4 rsv 4, byte by byte", [frame(TEXT, b"abc"), frame(TEXT, b"abc", rsv=4), close()],
               [said(TEXT, b"abc"), FAILED], chop=1)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"reserved"):
            yield Case(f"4 opcode {opcode} with {len(payload)}", [frame(opcode, payload), close()], [FAILED])
            yield Case(f"4 opcode {opcode} with {len(payload)} behind text, byte by byte",
                       [frame(TEXT, b"ab"), frame(opcode, payload), close()], [said(TEXT, b"ab"), FAILED], chop=1)


def _fragments():
    first, last = frame(TEXT, b"fragment1", fin=False), frame(CONTINUATION, b"fragment2")
    middle = frame(CONTINUATION, b"-", fin=False)
    whole = said(TEXT, b"fragment1fragment2")
    ping, pong = frame(PING, b"now"), said(PONG, b"now")
    for name, opcode in (("ping", PING), ("pong", PONG)):
        yield Case(f"5 {name} in two frames", [frame(opcode, b"a", fin=False), frame(CONTINUATION, b"b"), close()], [FAILED])
    yield Case("5 close in two frames", [frame(CLOSE, b"\3\xe8", fin=False), frame(CONTINUATION, b"b")], [FAILED])
    for chop in (None, 1):
        yield Case(f"5.3 text in two frames, chop {chop}", [first, last, close()], [whole, DONE], chop=chop)
        yield Case(f"5.6 a ping between them, chop {chop}", [first, ping, last, close()], [pong, whole, DONE], chop=chop)
        yield Case(f"5.19 pings between five, chop {chop}", [first, middle, ping, middle, middle, ping, last, close()],
                   [pong, pong, said(TEXT, b"fragment1---fragment2"), DONE], chop=chop)
        yield Case(f"5.9 continuation of nothing, chop {chop}", [last, frame(TEXT, b"no"), close()], [FAILED], chop=chop)
        yield Case(f"5.12 open continuation of nothing, chop {chop}", [middle, frame(TEXT, b"no"), close()], [FAILED],
                   chop=chop)
        yield Case(f"5.15 continuation behind the end, chop {chop}", [first, last, last, close()], [whole, FAILED], chop=chop)
        yield Case(f"5.18 text within text, chop {chop}", [first, frame(TEXT, b"x"), close()], [FAILED], chop=chop)
    yield Case("5 frames without payload", [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION), close()],
               [said(TEXT), DONE])
    yield Case("5 an empty frame around each", [frame(TEXT, fin=False), middle, frame(CONTINUATION, fin=False), last, close()],
               [said(TEXT, b"-fragment2"), DONE])
    yield Case("5 closed within a message", [first, middle, close()], [DONE])


_GOOD_TEXT = ["κόσμε", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\U00010000",
              "\U0010ffff", "\ufdd0", "\U0001fffe", "\U000fffff", "a\u0300\u0301", "\u202e\ufeff"]
_BAD_TEXT = ["cebae1bdb9cf83cebcceb5eda080656469746564", "80", "bf", "80bf80", "c020", "e020", "f020", "f820", "fc20", "c0", "e080",
             "f08080", "c3", "e0a0", "f09080", "dfe0", "fe", "ff", "fefeffff", "c0af", "e080af", "f08080af", "f8808080af",
             "fc80808080af", "c1bf", "e09fbf", "f08fbfbf", "c080", "e08080", "f0808080", "eda080", "edadbf", "edae80", "edbfbf",
             "eda080edb080", "f4908080", "f7bfbfbf", "cebae1bdb9cf83cebcceb5f4908080656469746564"]


def _texts():
    for i, text in enumerate(_GOOD_TEXT):
        yield echo(f"6 good text {i}", TEXT, text.encode())
        yield Case(f"6 good text {i}, a byte in each frame", [*fragments(TEXT, text.encode(), 1), close()],
                   [said(TEXT, text.encode()), DONE], chop=1)
    for text in _BAD_TEXT:
        yield Case(f"6 bad text {text}", [frame(TEXT, bytes.fromhex(text)), close()], [BAD_TEXT])
        yield echo(f"6 bad text {text} as binary", BINARY, bytes.fromhex(text))
    bad = HELLO + b"\xed\xa0\x80" + b"edited"
    yield Case("6.2 bad text in frames of one byte", [*fragments(TEXT, bad, 1), close()], [BAD_TEXT])
    yield Case("6.3 bad text byte by byte", [frame(TEXT, bad), close()], [BAD_TEXT], chop=1)


def _ends():
    yield Case("7.1 messages behind close", [close(), frame(TEXT, b"no"), frame(PING), close()], [DONE])
    yield Case("7.1 close between pieces of 256 KiB", [frame(TEXT, text_of(262144)), close(), frame(PING)],
               [said(TEXT, text_of(262144)), DONE])
    yield Case("7.3 close without payload", [frame(CLOSE)], [said(CLOSE)])
    yield Case("7.3 close with one byte", [frame(CLOSE, b"a")], [FAILED])
    for reason in (b"Hello World!", b"*" * 123):
        yield Case(f"7.3 a reason of {len(reason)}", [close(reason=reason)], [closed(reason=reason)])
        yield Case(f"7.3 a reason of {len(reason)}, byte by byte", [close(reason=reason)], [closed(reason=reason)], chop=1)
    yield Case("7.3 a reason of 124", [close(reason=b"*" * 124)], [FAILED])
    yield Case("7.5 a reason that is not UTF-8", [close(reason=HELLO + b"\xed\xa0\x80")], [BAD_TEXT])
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case(f"7.7 code {code}", [close(code)], [closed(code)])
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7.9 code {code}", [close(code, b"why")], [FAILED])


def _limits():
    for size in (64 * 1024, 256 * 1024, 1024 * 1024):
        yield echo(f"9.1 text of {size}", TEXT, text_of(size))
        yield echo(f"9.2 binary of {size}", BINARY, bytes_of(size))
    for part in (1024, 4096, 65536, 262144):
        data = text_of(1024 * 1024)
        yield Case(f"9.3 1 MiB in frames of {part}", [*fragments(TEXT, data, part), close()], [said(TEXT, data), DONE])
    yield Case("9.4 64 KiB in frames of 64", [*fragments(BINARY, bytes_of(65536), 64), close()],
               [said(BINARY, bytes_of(65536)), DONE])
    for chop in (64, 512, 2048):
        yield echo(f"9.5 128 KiB in pieces of {chop}", TEXT, text_of(128 * 1024), chop=chop)
    for size in (0, 16, 64, 256, 1024, 4096, 16384):
        yield Case(f"9.7 100 messages of {size}", [frame(BINARY, bytes_of(size))] * 100 + [close()],
                   [said(BINARY, bytes_of(size))] * 100 + [DONE])
    yield Case("10.1 64 KiB in frames of 1300", [*fragments(TEXT, text_of(65536), 1300), close()],
               [said(TEXT, text_of(65536)), DONE])


def _deflate():
    for size in (0, 16, 1024, 32768, 131072):
        packed = deflated(text_of(size))
        yield Case(f"12 {size} deflated", [frame(TEXT, packed, rsv=4), frame(TEXT, b"plain"), close()],
                   [said(TEXT, packed, rsv=4), said(TEXT, b"plain"), DONE], deflate=True)
        parts = [packed[:len(packed) // 2], packed[len(packed) // 2:]]
        yield Case(f"12 {size} deflated in two frames, a ping between them",
                   [frame(TEXT, parts[0], fin=False, rsv=4), frame(PING), frame(CONTINUATION, parts[1]), close()],
                   [said(PONG), said(TEXT, packed, rsv=4), DONE], deflate=True)
    yield Case("12 rsv 4 in a continuation", [frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", rsv=4), close()],
               [FAILED], deflate=True)


def cases():
    return [case for group in (_framing, _pings, _reserved, _fragments, _texts, _ends, _limits, _deflate)
            for case in group()]
