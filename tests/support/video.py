"""What is in a recording."""

import av
import numpy as np


def read(path):
    """Pictures with their times in seconds, samples of sound."""
    with av.open(str(path)) as file:
        assert {one.type for one in file.streams} == {"video", "audio"}
        seconds = file.duration and file.duration / 1e6
        frames = [(float(f.time), f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]
    with av.open(str(path)) as file:
        sound = np.concatenate([f.to_ndarray()[0].astype(float) for f in file.decode(audio=0)])
    return seconds, frames, sound
