"""`python -m citylib.cli`."""

from citylib.cli import main

main()
