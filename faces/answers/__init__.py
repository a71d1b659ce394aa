"""What people say of faces, groups and people: one transaction and one entry of the ledger each; and taking it back."""
