"""What an operation costs, counted where it leaves a function: at its gRPC channels and its HTTP entry."""
