"""What the system does, one module an action. Operations decide; what they talk to is handed to them (`ports`)."""
