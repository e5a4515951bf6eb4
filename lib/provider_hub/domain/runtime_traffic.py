"""What runtimes may reach, and who may reach them: the spec of a NetworkPolicy of each organization's namespace."""

_CLASS_E = "240.0.0.0/4"  # reserved, and GKE may have pods and services in it
_PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", _CLASS_E]

# Where names are resolved, and nowhere else: port 53 to any host would be a tunnel around the rule for port 443. The
# cluster's own DNS pods, the cache on each node (NodeLocal DNSCache), and the metadata server (Cloud DNS).
_DNS = [
    {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {
            "matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns", "node-local-dns"]}]
        },
    },
    {"ipBlock": {"cidr": "169.254.20.10/32"}},
    {"ipBlock": {"cidr": "169.254.169.254/32"}},
]

# A runtime takes connections only from its own namespace. It may connect to DNS, to public HTTPS, and to the metadata
# server, whose workload identity lets it publish its check-ins.
RUNTIME_TRAFFIC = {
    "podSelector": {"matchLabels": {"app.kubernetes.io/component": "provider"}},
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": "http", "protocol": "TCP"}]}],
    "egress": [
        {"to": _DNS, "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {
            "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": _PRIVATE_NETWORKS}}],
            "ports": [{"port": 443, "protocol": "TCP"}],
        },
        {
            "to": [{"ipBlock": {"cidr": "169.254.169.252/32"}}, {"ipBlock": {"cidr": "169.254.169.254/32"}}],
            "ports": [{"port": 80, "protocol": "TCP"}, {"port": 988, "protocol": "TCP"}],
        },
    ],
}
