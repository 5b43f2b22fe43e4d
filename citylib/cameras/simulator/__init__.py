"""Cameras that are none: real streams of generated pictures, with faults on demand."""
