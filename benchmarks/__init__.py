"""Side-by-side figures against peers and against the physical limit, one command each."""
