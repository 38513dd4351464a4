"""A small HTTP/1.1 server for each arm, for proxies to stand in front of."""

import asyncio

import behaviour


async def serve(arm):
    """Starts one arm's server on a free port of loopback; returns the port."""
    count = 0

    async def handle(reader, writer):
        nonlocal count
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                n, count = count, count + 1
                await asyncio.sleep(behaviour.delay(arm, n))
                code = behaviour.status(arm, n)
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: 2\r\n\r\nok" % code)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]
