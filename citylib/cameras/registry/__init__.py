"""Which cameras there are, where they stand, who may see them and how they are reached."""
