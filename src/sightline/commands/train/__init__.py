"""`sightline train`, from data to a report."""
