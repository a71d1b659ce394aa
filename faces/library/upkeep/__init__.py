"""Our tables kept as the rows are: what the app changed behind our back, and all that is derived made anew."""
