"""What mixers cost in time and memory, and how well they approximate attention."""
