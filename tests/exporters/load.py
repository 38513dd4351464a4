"""Requests at a steady rate, whatever the answers take."""

import asyncio

import behaviour


class Pool:
    """Keep-alive connections to one address; one request at a time on each."""

    def __init__(self, port, method="GET", path="/", host="localhost", headers=(), body=b""):
        lines = [f"{method} {path} HTTP/1.1", f"host: {host}", *headers, f"content-length: {len(body)}", "", ""]
        self.port, self.request, self.idle = port, "\r\n".join(lines).encode() + body, []

    async def send(self):
        """One request; the status of its answer, or 0 where there was none."""
        while self.idle:
            connection = self.idle.pop()
            if not connection[0].at_eof():
                return await self.send_on(connection) or await self.send()
        return await self.send_on(None)

    async def send_on(self, connection):
        """The same on one connection; none: a new one."""
        try:
            reader, writer = connection or await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
            if b"content-length" in fields:
                await reader.readexactly(int(fields[b"content-length"]))
                self.idle.append((reader, writer))
            else:
                await reader.read()
                writer.close()
            return int(head.split(b" ")[1])
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return 0


async def run(pools):
    """Sends every arm its requests."""
    async def one_arm(pool):
        begin, tasks = asyncio.get_running_loop().time(), []
        for n in range(behaviour.RATE * behaviour.SECONDS):
            await asyncio.sleep(max(0.0, begin + n / behaviour.RATE - asyncio.get_running_loop().time()))
            tasks.append(asyncio.create_task(pool.send()))
        return await asyncio.gather(*tasks)

    answers = await asyncio.gather(*(one_arm(pool) for pool in pools))
    return [{code: list(arm).count(code) for code in sorted(set(arm))} for arm in answers]
