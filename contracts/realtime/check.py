"""The same protocol, driven by the Python client as it is published."""

import asyncio
import os
import subprocess

from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

BASE, TOKEN, OWNER, DATABASE = (os.environ[name] for name in ("BASE", "TOKEN", "OWNER", "DATABASE"))
WAIT = 60


def sql(text: str) -> None:
    subprocess.run(["psql", DATABASE, "-qX", "-v", "ON_ERROR_STOP=1", "-c", text], check=True)


async def connected(path: str = "/realtime/v1") -> AsyncRealtimeClient:
    client = AsyncRealtimeClient(BASE + path, TOKEN)
    await client.connect()
    return client


async def joined(channel) -> None:
    states: asyncio.Queue = asyncio.Queue()
    await channel.subscribe(lambda state, error: states.put_nowait((state, error)))
    state, error = await asyncio.wait_for(states.get(), WAIT)
    assert state == RealtimeSubscribeStates.SUBSCRIBED, (state, error)


async def broadcast_with_self_and_ack() -> None:
    client = await connected()
    heard: asyncio.Queue = asyncio.Queue()
    channel = client.channel("python", {"config": {"broadcast": {"ack": True, "self": True}}})
    channel.on_broadcast("hello", heard.put_nowait)
    await joined(channel)
    await channel.send_broadcast("hello", {"text": "é"})
    said = await asyncio.wait_for(heard.get(), WAIT)
    assert said["payload"] == {"text": "é"}, said
    await channel.unsubscribe()
    await client.close()


async def broadcast_over_http() -> None:
    client = await connected("/socket")
    heard: asyncio.Queue = asyncio.Queue()
    channel = client.channel("python-http")
    channel.on_broadcast("posted", heard.put_nowait)
    await joined(channel)
    await channel.http_send("posted", {"n": 1})
    said = await asyncio.wait_for(heard.get(), WAIT)
    assert said["payload"] == {"n": 1}, said
    await client.close()


async def changes_with_a_filter() -> None:
    client = await connected()
    changes: asyncio.Queue = asyncio.Queue()
    told: asyncio.Queue = asyncio.Queue()
    channel = client.channel("python-changes")
    channel.on_postgres_changes("*", changes.put_nowait, table="users", schema="identity", filter="name=eq.Python")
    channel.on_system(told.put_nowait)
    await joined(channel)
    await asyncio.wait_for(told.get(), WAIT)
    for number, name in ((8, "Ruby"), (9, "Python")):
        sql(
            "insert into identity.users (id, email, email_key, name) values "
            f"('00000000-0000-7000-8000-00000000000{number}', '{number}@example.org', '{number}@example.org', '{name}')"
        )
    change = await asyncio.wait_for(changes.get(), WAIT)
    assert change["data"]["record"]["name"] == "Python", change
    await client.close()


async def presence() -> None:
    client, other = await connected(), await connected()
    synced: asyncio.Queue = asyncio.Queue()
    channel = client.channel("python-desk", {"config": {"presence": {"key": "ada", "enabled": True}}})
    channel.on_presence_sync(lambda: synced.put_nowait(set(channel.presence_state())))
    await joined(channel)
    there = other.channel("python-desk", {"config": {"presence": {"key": "bob", "enabled": True}}})
    await joined(there)
    await there.track({"n": 1})
    while "bob" not in await asyncio.wait_for(synced.get(), WAIT):
        pass
    await there.untrack()
    while "bob" in await asyncio.wait_for(synced.get(), WAIT):
        pass
    await client.close()
    await other.close()


async def private_channels() -> None:
    client = await connected()
    private = {"config": {"private": True}}
    await joined(client.channel(f"user:{OWNER}:python", private))
    states: asyncio.Queue = asyncio.Queue()
    channel = client.channel("somebody-elses", private)
    await channel.subscribe(lambda state, error: states.put_nowait((state, error)))
    state, error = await asyncio.wait_for(states.get(), WAIT)
    assert state == RealtimeSubscribeStates.CHANNEL_ERROR, (state, error)
    await client.close()


async def main() -> None:
    for check in (broadcast_with_self_and_ack, broadcast_over_http, changes_with_a_filter, presence, private_channels):
        name = check.__name__.replace("_", " ")
        try:
            await asyncio.wait_for(check(), 2 * WAIT)
            print(f"  ok  {name}", flush=True)
        except Exception as error:  # noqa: BLE001, every failure is told
            print(f"FAIL  {name}: {error!r}", flush=True)


asyncio.run(main())
