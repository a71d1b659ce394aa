"""What must be known of a photo's file before a decoder sees it, and the kinds that need more than Pillow."""
