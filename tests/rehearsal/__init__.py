"""What would be deployed, run as it would be deployed, against stand-ins that demand what Google demands."""
