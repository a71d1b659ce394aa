"""What starts, stops and restarts the sidecar: systemd or supervisor."""
