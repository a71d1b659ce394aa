"""Laravel's customs on the queue: its messages, encryption, chains and orders. Nothing else knows them."""
