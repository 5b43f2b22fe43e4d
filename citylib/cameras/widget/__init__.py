"""Cameras in a notebook and on a dashboard: one, a wall of them, all of them on a map."""

from citylib.cameras.widget.layer import CameraLayer
from citylib.cameras.widget.views import CameraView, CameraWall

__all__ = ["CameraLayer", "CameraView", "CameraWall"]
