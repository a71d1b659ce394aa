"""Laravel on the queue: its messages, chains and orders, failed jobs, and locks and marks in the app's cache."""
