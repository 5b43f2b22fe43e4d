"""The bad path that far-away participants are tested with is as bad as it says."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from support.far import Far, far_network

ECHO = """
import socket, sys
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
ear.bind((sys.argv[1], 0))
print(ear.getsockname()[1], flush=True)
while True:
    said, who = ear.recvfrom(2048)
    ear.sendto(said, who)
"""


@contextmanager
def echo(far: Far) -> Iterator[int]:
    """The port over there that sends everything back."""
    command = far.command(sys.executable, "-c", ECHO, far.there)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def ask(
    far: Far, port: int, count: int, pause: float, size: int = 200, numbered: bool = False
) -> list[float]:
    """Seconds that each of the packets took that came back; or their numbers."""
    took: list[float] = []
    mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mouth.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    mouth.settimeout(1)
    mouth.connect((far.there, port))

    def listen() -> None:
        while True:
            try:
                said = mouth.recv(2048)
            except OSError:
                return
            number, sent = said.split()
            took.append(float(number) if numbered else time.monotonic() - float(sent))

    ear = threading.Thread(target=listen)
    ear.start()
    for number in range(count):
        mouth.send(f"{number} {time.monotonic():.9f}".encode().ljust(size))
        time.sleep(pause)
    ear.join()
    mouth.close()
    return took


def test_delay_jitter_and_loss() -> None:
    with far_network() as far, echo(far) as port:
        took = ask(far, port, 1500, 0.002)
        counts = far.counts()
    # What the machine adds when it is busy is not the path's: quarters say what most packets took.
    early, middle, _ = statistics.quantiles(took)
    assert min(took) > 0.239
    assert 0.27 < early < 0.31
    assert 0.29 < middle < 0.33
    assert 0.94 < len(took) / 1500 < 0.98  # 0.98 squared is 0.96
    there = counts["there"]
    assert there["packets"] >= 1500
    assert 0.012 < there["lost"] / there["packets"] < 0.028
    assert there["full"] == there["failed"] == 0


def test_room_upwards_and_a_full_queue() -> None:
    with far_network(0.1, jitter=0, loss=0, upwards=1_000_000) as far, echo(far) as port:
        before, began = far.counts()["back"], time.monotonic()
        ask(far, port, 1000, 0.002, size=972)  # 1000 bytes with their headers: 4 Mb/s
        back, seconds = far.counts()["back"], time.monotonic() - began
    through = back["packets"] - before["packets"] - back["full"]
    # 125 a second, after the last was sent for a second no more; 25 more wait in the queue.
    assert 245 <= through <= 125 * seconds + 26
    assert back["full"] > 600
    assert back["lost"] == 0


def test_many_packets() -> None:
    with far_network(upwards=0) as far, echo(far) as port:
        took = ask(far, port, 8000, 0.0002)
        counts = far.counts()
    assert counts["there"]["full"] == counts["there"]["failed"] == 0
    assert 0.95 < len(took) / 8000 < 0.97


def test_the_same_seed_loses_the_same_packets() -> None:
    lost = []
    for seed in (7, 7, 8):
        with far_network(round_trip=0.02, jitter=0, loss=0.3, seed=seed) as far, echo(far) as port:
            before = far.counts()["there"]["packets"]
            lost.append((before, ask(far, port, 100, 0.001, numbered=True)))
    assert lost[0] == lost[1]
    assert lost[0] != lost[2]


def test_cut_and_unplugged() -> None:
    with far_network(round_trip=0.02, jitter=0, loss=0) as far, echo(far) as port:
        for cut, mend in ((far.cut, far.mend), (far.unplug, far.plug)):
            cut()
            assert not ask(far, port, 5, 0)
            mend()
            assert len(ask(far, port, 5, 0)) == 5
