"""Conferences: everybody on the wall, with nothing but a browser and a link."""
