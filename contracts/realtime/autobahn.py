"""The cases of the Autobahn test suite, as published, asked of an echo on our own WebSocket layer.

The suite (PyPI autobahntestsuite) is written for Python 2. Its cases are small programs over one object, the connection: they are
made readable for Python 3 with 2to3, and that object stands here. Text of Python 2 is bytes, so every str here has one character
for each byte. Compression (12, 13) is not negotiated, so those cases do not apply.

usage: autobahn.py FOLDER-OF-THE-SUITE ws-port [case, as 6.4]
"""

import asyncio
import base64
import binascii  # noqa: F401 (real, before the cases get theirs)
import importlib
import os
import socket
import struct
import sys
import time
import types

CLOSE_TIMEOUT = 5.0
DROP_TIMEOUT = 2.0


class WebSocketProtocol:
    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = 0, 1, 2, 3


class Utf8Validator:
    """Only the answer that the cases ask for: valid so far, and at the end of a character."""

    def reset(self):
        self.data = b""

    def validate(self, text):
        self.data += octets(text)
        try:
            self.data.decode("utf-8")
            return True, True
        except UnicodeDecodeError as error:
            return error.end == len(self.data) and "unexpected end" in error.reason, False


def octets(text):
    return bytes(text) if isinstance(text, (bytes, bytearray)) else text.encode("latin-1")


def cases(folder):
    """The case classes, with what they import of autobahn standing here."""
    modules = {
        "autobahn.websocket.protocol": {"WebSocketProtocol": WebSocketProtocol},
        "autobahn.websocket.utf8validator": {"Utf8Validator": Utf8Validator},
        # These do not apply, and one is not in the suite's own list.
        "case12_x_x": {"Case12_X_X": [], "Case13_X_X": [], "Case12_X_X_CaseSubCategories": {}, "Case13_X_X_CaseSubCategories": {}},
        "case9_9_1": {},
    }
    for name in ["autobahn", "autobahn.websocket", *modules]:
        module = types.ModuleType(name)
        module.__dict__.update(modules.get(name, {}))
        sys.modules[name] = sys.modules[f"case.{name}"] = module
    sys.path.insert(0, folder)
    real, sys.modules["binascii"] = sys.modules["binascii"], types.SimpleNamespace(b2a_hex=lambda text: octets(text).hex())
    package = importlib.import_module("case")
    sys.modules["binascii"] = real
    base = importlib.import_module("case.case").Case
    plain = lambda seen: [tuple(part.decode("latin-1") if isinstance(part, bytes) else part for part in one) for one in seen]
    base.compare = lambda self, one, other: plain(one) == plain(other)
    return package.Cases


class Connection:
    """What a case holds: it sends frames as it is told, and says how the connection ended."""

    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007

    def __init__(self, case):
        self.factory = types.SimpleNamespace(isServer=False)
        self.state = WebSocketProtocol.STATE_CONNECTING
        self.connectionWasOpen = self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.remoteCloseCode = self.localCloseReason = self.trafficStats = None
        self.createWirelog, self.autoFragmentSize, self.txFrameStats, self.rxFrameStats = True, 0, {}, {}
        self.out = asyncio.Queue()
        self.timers = []
        self.case = case(self)

    def enableWirelog(self, _):
        pass

    # What a case says.

    def sendFrame(self, opcode, payload="", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
        data = octets(payload)
        if payload_len is not None:
            data = (data * (payload_len // max(len(data), 1) + 1))[:payload_len]
        self.txFrameStats[opcode] = self.txFrameStats.get(opcode, 0) + 1
        self._write(self._header(opcode, len(data), fin, rsv) + self._masked(data), chopsize)

    def sendMessage(self, payload, isBinary=False, fragmentSize=None, **_):
        size = fragmentSize or self.autoFragmentSize
        data = octets(payload)
        pieces = [data[at : at + size] for at in range(0, len(data), size)] if size else [data]
        for nth, piece in enumerate(pieces or [b""]):
            self.sendFrame((2 if isBinary else 1) if nth == 0 else 0, piece, fin=nth == len(pieces) - 1)

    def beginMessage(self, isBinary=False):
        self.opcode = 2 if isBinary else 1

    def beginMessageFrame(self, length):
        self.at = 0
        self._write(self._header(self.opcode, length, False, 0), None)
        self.opcode = 0

    def sendMessageFrameData(self, payload, sync=False):
        data = octets(payload)
        self._write(self._masked(data, self.at), None)
        self.at += len(data)

    def endMessage(self):
        self.sendFrame(0, "", fin=True)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        payload = b"" if code is None else struct.pack("!H", code) + octets(reasonUtf8 or "")
        self.localCloseReason = octets(reasonUtf8) if reasonUtf8 else None
        self.sendFrame(8, payload)
        self.state = WebSocketProtocol.STATE_CLOSING
        if not isReply:
            self.closedByMe = True
            self._later(CLOSE_TIMEOUT, self._drop)

    def sendClose(self, code=None, reason=None):
        if self.state == WebSocketProtocol.STATE_OPEN:
            self.sendCloseFrame(code, reason)

    def continueLater(self, delay, act, tag=None):
        self._later(delay, act)

    def closeAfter(self, delay):
        self._later(delay, self.sendClose)

    def killAfter(self, delay):
        self._later(delay, self._fail)

    # What becomes of it.

    def _fail(self):
        self.failedByMe = True
        if self.state == WebSocketProtocol.STATE_OPEN:
            self.sendClose(1001)
        elif not self.closedByMe or self.wasClean:
            self._drop()

    def _drop(self):
        self.wasClean, self.droppedByMe = False, True
        self.writer.transport.abort()

    def _later(self, delay, act):
        unless_closed = lambda: None if self.state == WebSocketProtocol.STATE_CLOSED else act()
        self.timers.append(asyncio.get_running_loop().call_later(delay, unless_closed))

    def _header(self, opcode, length, fin, rsv):
        self.mask = os.urandom(4)
        first = (0x80 if fin else 0) | (rsv << 4) | opcode
        if length < 126:
            return struct.pack("!BB", first, 0x80 | length) + self.mask
        if length < 1 << 16:
            return struct.pack("!BBH", first, 0x80 | 126, length) + self.mask
        return struct.pack("!BBQ", first, 0x80 | 127, length) + self.mask

    def _masked(self, data, at=0):
        if not data:
            return b""
        key = (self.mask * (len(data) // 4 + 2))[at % 4 : at % 4 + len(data)]
        return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")

    def _write(self, data, chopsize):
        for at in range(0, len(data), chopsize or len(data)):
            self.out.put_nowait(data[at : at + (chopsize or len(data))])

    async def _send(self):
        while True:
            self.writer.write(await self.out.get())
            await self.writer.drain()

    async def _receive(self):
        message, opcode = b"", None
        while True:
            first, second = await self.reader.readexactly(2)
            length = second & 127
            if length > 125:
                length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
            data = await self.reader.readexactly(length)
            kind = first & 15
            if kind == 8:
                if len(data) >= 2:
                    self.remoteCloseCode = struct.unpack("!H", data[:2])[0]
                self.wasClean = True
                if self.state == WebSocketProtocol.STATE_OPEN:
                    self.sendCloseFrame(self.remoteCloseCode, isReply=True)
                self._later(DROP_TIMEOUT, self._drop)
            elif self.state != WebSocketProtocol.STATE_OPEN:
                continue
            elif kind == 9:
                self.case.onPing(data.decode("latin-1"))
            elif kind == 10:
                self.case.onPong(data.decode("latin-1"))
            else:
                opcode = kind or opcode
                message += data
                if first & 0x80:
                    self.case.onMessage(message.decode("latin-1"), opcode == 2)
                    message = b""

    async def run(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
        self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        self.writer.write(head.encode())
        answer = await self.reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self.state, self.connectionWasOpen = WebSocketProtocol.STATE_OPEN, True
        self.case.onOpen()
        sending = asyncio.create_task(self._send())
        try:
            await asyncio.wait_for(self._receive(), 120)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        self.state = WebSocketProtocol.STATE_CLOSED
        for one in self.timers:
            one.cancel()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        self.writer.transport.abort()
        self.case.onConnectionLost(self.failedByMe)
        return self.case


def number(case):
    """As the suite writes it: 6.4.1."""
    return case.__name__.removeprefix("Case").replace("_", ".")


async def main(folder, port, only=""):
    tally, wrong = {}, []
    began = time.monotonic()
    for case in cases(folder):
        if not number(case).startswith(only):
            continue
        done = await Connection(case).run(port)
        outcome = (done.behavior, done.behaviorClose)
        tally[outcome] = tally.get(outcome, 0) + 1
        fine = done.behavior in ("OK", "NON-STRICT", "INFORMATIONAL") and done.behaviorClose in ("OK", "INFORMATIONAL")
        if not fine:
            wrong.append(number(case))
        if not fine or done.behavior != "OK":
            print(f"{number(case):10} {outcome[0]}, close {outcome[1]}: {done.result} {done.resultClose}", flush=True)
    for (behavior, close), count in sorted(tally.items()):
        print(f"{count:4} {behavior}, close {close}")
    print(f"{sum(tally.values()) - len(wrong)} passed, {len(wrong)} failed in {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])))
