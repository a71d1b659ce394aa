"""Who is who: distances, links, and found faces against kept ones. Decides, never stores."""
