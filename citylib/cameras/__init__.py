"""The city's cameras: which there are, how their pictures reach a screen, and simulated ones."""
