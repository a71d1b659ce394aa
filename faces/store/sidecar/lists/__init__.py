"""Lists of people, groups and their faces, page by page, for a person to look at. Only reads."""
