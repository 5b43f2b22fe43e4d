"""What carries pictures and sound of a room: Janus, or the participants among themselves."""
