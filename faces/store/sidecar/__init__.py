"""Our own tables: who is who, groups, the ledger. Plain names in a file of our own, a prefix beside the app's."""
