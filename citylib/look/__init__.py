"""How the platform looks and speaks: theme, words, formats of figures, colours, page parts."""
