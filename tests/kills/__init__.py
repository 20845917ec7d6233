"""Commands that are killed (`kill -9`) at any point of what they do to files: nothing may be lost."""
