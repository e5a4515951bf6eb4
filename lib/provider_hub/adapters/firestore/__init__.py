"""Documents in Firestore: the store, and how values are encoded."""
