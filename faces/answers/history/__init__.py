"""What was said and decided, told to a person: the ledger in sentences, and what is known of one face. Only reads."""
