"""Where photos come from: folders, and what is remembered of their files."""
