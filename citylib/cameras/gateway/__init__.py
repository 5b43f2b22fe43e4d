"""The gateway: pulls a camera while somebody watches, once for all who watch."""
