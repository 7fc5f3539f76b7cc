"""Sends a file to whoever connects, as fast as it is read, and hangs up: `python -m benchmarks.blast FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


async def main(content: bytes) -> None:
    """Runs until killed."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(content), 65536):
            writer.write(content[start : start + 65536])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(send, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_bytes()))
