"""What is measured side by side with the way it is done elsewhere: see script/bench and script/bench-queue."""
