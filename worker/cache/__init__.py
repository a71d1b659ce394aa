"""The app's cache as Laravel keeps it: values, locks, and what we do with them."""
