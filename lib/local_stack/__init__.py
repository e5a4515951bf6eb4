"""Provider Hub on one machine: emulators, stand-ins for Google's services, the demo and chaos."""
