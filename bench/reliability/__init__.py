"""How bench/reliability.py tries to break the program, and how it judges what the program does."""
