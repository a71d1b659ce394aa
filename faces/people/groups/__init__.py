"""Groups of unknown faces: which face joins which group, and which groups are one person. Decides, never stores."""
