"""Feeds: connectors for what cities publish, and the service that polls them into the lake."""
