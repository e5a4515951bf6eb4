"""What the system does, one module an action. Actions decide; they get what they talk to as `ports`."""
