"""What every HTTP door meets requests with, whatever it answers: errors, keys, hosts, limits, log."""
