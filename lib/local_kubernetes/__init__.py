"""A Kubernetes API server (`cluster`) and a node that runs pods as processes (`node`), for one machine.

See README.md in this folder. The names that other packages and tests may use are those that `cluster` and `node` list.
"""
