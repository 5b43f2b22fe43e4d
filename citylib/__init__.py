"""A city's platform for its mayor: from records to indicators to dashboards."""

__version__ = "0.1.0"
