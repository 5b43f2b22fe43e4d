"""The conference as a service of the hub: rooms, door, signalling."""
