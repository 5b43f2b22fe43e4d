from support.figures import city, make, now  # noqa: F401
