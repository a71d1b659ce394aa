"""What upkeep looks for: rows that another program changed, images that are to be brought up to date, true counts."""
