"""How Provider Hub talks to the world: one file a service. Client-library errors end here."""
