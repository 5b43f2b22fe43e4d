"""Pictures and voices of participants that are programs, encoded beforehand."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE, SECONDS = 15, 4
WIDTH, HEIGHT = 320, 180
SIZES = {"l": (320, 180, 150_000), "m": (640, 360, 400_000), "h": (1280, 720, 1_100_000)}
"""Width, height and bits a second of each layer, as the pages send them."""
STRIPES = 6
"""Bits of a participant's number in the picture, dark or bright from left to right at its top."""
HERTZ, FRAME = 48_000, 960
SPEECH_BITS = 32_000
Picture = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def make_films(folder: Path, numbers: range, layers: tuple[str, ...] = ("l",)) -> None:
    """Write `camera-N-LAYER.ivf` and `voice-N.ivf` of each number; what is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        files = {layer: folder / f"camera-{number}-{layer}.ivf" for layer in layers}
        missing = [layer for layer, file in files.items() if not file.exists()]
        pictures = [_picture(number, place) for place in range(RATE * SECONDS)] if missing else []
        for layer in missing:
            _write(files[layer], b"VP80", _film(pictures, *SIZES[layer]))
        file = folder / f"voice-{number}.ivf"
        if not file.exists():
            _write(file, b"OPUS", _voice(number))


def _write(file: Path, kind: bytes, frames: Iterator[bytes]) -> None:
    """An IVF file; who reads it looks at the frames alone."""
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        out.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, kind, 0, 0, RATE, 1, 0, 0))
        for place, frame in enumerate(frames):
            out.write(struct.pack("<IQ", len(frame), place) + frame)
    part.rename(file)


def _film(pictures: list[Picture], width: int, height: int, bits: int) -> Iterator[bytes]:
    context: Any = av.CodecContext.create("libvpx", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.bit_rate, context.gop_size, context.thread_count = bits, 100_000, 1
    context.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "error-resilient": "1",
        "maxrate": str(bits),
        "minrate": str(bits),
        "bufsize": str(bits // 2),
    }
    times = width // WIDTH
    for place, planes in enumerate(pictures):
        large = [plane.repeat(times, 0).repeat(times, 1).reshape(-1, width) for plane in planes]
        frame = av.VideoFrame.from_ndarray(np.concatenate(large), "yuv420p")
        frame.pts, frame.time_base = place, Fraction(1, RATE)
        yield from (bytes(packet) for packet in context.encode(frame))


def _picture(number: int, place: int) -> Picture:
    """A head that moves before a wall, the number above it: brightness and the two colours."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / np.float32(HEIGHT)
    turn = 2 * np.pi * place / (RATE * SECONDS)
    middle = WIDTH / HEIGHT / 2 + 0.25 * np.sin(3 * turn)
    head = np.hypot(x - middle, 1.3 * (y - 0.6 - 0.05 * np.cos(5 * turn))) < 0.28
    light = 110 + 30 * np.sin(9 * x + number) + 20 * np.sin(14 * y + 2 * turn)
    noise = np.random.default_rng((number, place)).integers(138, 162, (HEIGHT // 4, WIDTH // 4))
    light = np.where(head, noise.repeat(4, 0).repeat(4, 1), light)
    wide = WIDTH // STRIPES
    for bit in range(STRIPES):
        light[: HEIGHT // 8, bit * wide : (bit + 1) * wide] = 220 if number >> bit & 1 else 30
    colour = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    blue, red = colour + np.uint8(number * 37 % 80), colour - np.uint8(number * 53 % 80)
    return light.clip(0, 255).astype(np.uint8), blue, red


def write_speech(file: Path, number: int = 0) -> Path:
    """The same voice as a WAV file: what a browser takes for a microphone."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(HERTZ)
        out.writeframes(_speech(number).tobytes())
    return file


def _speech(number: int) -> NDArray[np.int16]:
    """Syllables, four a second, on a pitch of the participant's own, with pauses between words."""
    time = np.arange(HERTZ * SECONDS) / HERTZ
    pitch = 100 + 8 * (number % 16) + 6 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / HERTZ
    tone = sum(np.sin(order * phase) / order for order in range(1, 12))
    open_mouth = np.clip(np.sin(2 * np.pi * 4 * time), 0, 1) * (np.sin(2 * np.pi * time / 2) > -0.8)
    breath = 0.02 * np.random.default_rng(number).standard_normal(len(time))
    sound: NDArray[np.int16] = (9000 * (0.4 * tone * open_mouth + breath)).astype(np.int16)
    return sound


def _voice(number: int) -> Iterator[bytes]:
    sound = _speech(number)
    context: Any = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = HERTZ, "mono", "s16"
    context.bit_rate, context.time_base = SPEECH_BITS, Fraction(1, HERTZ)
    context.options = {"application": "voip", "fec": "1", "packet_loss": "10"}
    for at in range(0, len(sound), FRAME):
        frame = av.AudioFrame.from_ndarray(sound[None, at : at + FRAME], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = HERTZ, at, Fraction(1, HERTZ)
        yield from (bytes(packet) for packet in context.encode(frame))
