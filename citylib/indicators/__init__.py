"""Indicators: declared in a few lines, computed by Dask, kept in one cube."""
