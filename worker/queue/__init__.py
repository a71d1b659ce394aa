"""What every class of jobs needs: from a delivery to its end."""
