"""A real Redis Cluster on loopback: three masters, a replica for each; its masters can be killed, its slots moved."""

import contextlib
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot
from running import until

_NODE_TIMEOUT_MS = 1500


@dataclass
class Cluster:
    """Six servers. `url` names any of them."""

    folder: Path
    ports: list[int]
    servers: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.ports[0]}"

    def at(self, port: int) -> "redis.Redis[Any]":
        return redis.Redis(port=port, socket_timeout=10)

    def masters(self) -> dict[int, tuple[str, list[tuple[int, int]]]]:
        """Port → (node id, slots) of the masters that live, as a living node sees them."""
        for port in self.ports:
            with contextlib.suppress(redis.RedisError):
                found = {}
                for line in self.at(port).execute_command("CLUSTER NODES").items():
                    address, node = line
                    if "master" in node["flags"] and "fail" not in node["flags"] and node["slots"]:
                        found[int(address.rsplit(":", 1)[1])] = (node["node_id"], node["slots"])
                return found
        raise AssertionError("no node of the cluster answers")

    def master_of(self, city: str) -> int:
        """The port of the master that has a city's slot."""
        slot = self.slot(city)
        return _holder(self.masters(), slot)

    def city_at(self, port: int, name: str) -> str:
        """A city whose slot lies at this master."""
        masters = self.masters()
        names = (f"{name}{n}" for n in range(5000))
        return next(city for city in names if _holder(masters, self.slot(city)) == port)

    def slot(self, city: str) -> int:
        return int(key_slot(city.encode()))

    def start(self, port: int) -> None:
        """Start one server, or start it again with what it had on disk: then it becomes a replica."""
        asked = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.folder / str(port))]
        asked += ["--cluster-enabled", "yes", "--cluster-node-timeout", str(_NODE_TIMEOUT_MS), "--save", ""]
        asked += ["--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"]
        self.servers[port] = subprocess.Popen(asked, stdout=subprocess.DEVNULL)

    def kill(self, port: int) -> None:
        self.servers[port].kill()
        self.servers[port].wait()

    def until_failed_over(self, city: str, was: int) -> None:
        until(lambda: _other(self, city, was), 40)

    def move(self, city: str, step: float = 0.0, halfway: Callable[[], None] = lambda: None, first: str = "") -> None:
        """Move a city's slot to another master, key by key, as `redis-cli --cluster reshard` does.

        `halfway` is called when only the keys of the kind `first` have moved.
        """
        slot, source = self.slot(city), self.master_of(city)
        masters = self.masters()
        target = next(p for p in masters if p != source)
        here, there = self.at(source), self.at(target)
        there.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", masters[source][0])
        here.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", masters[target][0])
        if first:
            chosen = here.keys(f"{{{city}}}:{first}:*")
            here.execute_command("MIGRATE", "127.0.0.1", target, "", 0, 10_000, "KEYS", *chosen)
        halfway()
        while keys := here.execute_command("CLUSTER GETKEYSINSLOT", slot, 20):
            here.execute_command("MIGRATE", "127.0.0.1", target, "", 0, 10_000, "KEYS", *keys)
            time.sleep(step)
        for port in (target, source, *masters):
            self.at(port).execute_command("CLUSTER SETSLOT", slot, "NODE", masters[target][0])


def _holder(masters: dict[int, tuple[str, list[Any]]], slot: int) -> int:
    for port, (_, slots) in masters.items():
        if any(_in(slot, s) for s in slots):
            return port
    raise AssertionError(f"slot {slot} is nobody's: {masters}")


def _in(slot: int, found: Any) -> bool:
    low, high = (int(found[0]), int(found[-1])) if isinstance(found, list | tuple) else (int(found), int(found))
    return low <= slot <= high


def _other(cluster: Cluster, city: str, was: int) -> bool:
    try:
        return cluster.master_of(city) != was
    except AssertionError:
        return False


def _free_ports(number: int) -> list[int]:
    """Ports whose bus port (ten thousand above) is free as well."""
    found: list[int] = []
    while len(found) < number:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as a, socket.socket() as b, contextlib.suppress(OSError):
            a.bind(("127.0.0.1", port))
            b.bind(("127.0.0.1", port + 10_000))
            found.append(port)
    return found


@contextmanager
def clustered(folder: Path) -> Iterator[Cluster]:
    """Started and whole; ended at the end."""
    cluster = Cluster(folder, _free_ports(6))
    with ExitStack() as ends:
        for port in cluster.ports:
            (folder / str(port)).mkdir(parents=True)
            cluster.start(port)
            ends.callback(cluster.kill, port)
        for port in cluster.ports:
            until(lambda port=port: not socket.socket().connect_ex(("127.0.0.1", port)), 60)  # type: ignore[misc]  # the port is bound here
        where = [f"127.0.0.1:{port}" for port in cluster.ports]
        asked = ["redis-cli", "--cluster", "create", *where, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, timeout=120)
        until(lambda: all(_whole(cluster, port) for port in cluster.ports), 60)
        yield cluster


def _whole(cluster: Cluster, port: int) -> bool:
    server = cluster.at(port)
    info = server.info("replication")
    linked = (info["role"] == "master" and info["connected_slaves"] == 1) or info.get("master_link_status") == "up"
    return bool(linked) and server.execute_command("CLUSTER INFO")["cluster_state"] == "ok"
