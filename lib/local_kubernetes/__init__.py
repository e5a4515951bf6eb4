"""A Kubernetes API server and a node that runs pods as processes, for one machine."""
