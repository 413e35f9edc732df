"""Pixels of whole slides: reading, tiles, drawn tissue, nuclei. Pure: no Django, no torch."""
