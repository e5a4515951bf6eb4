output "endpoint" {
  description = "Host name of the control plane, reached by IAM from anywhere."
  value       = google_container_cluster.runtimes.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
}

output "id" {
  description = "Id of the cluster, which workload identities name."
  value       = google_container_cluster.runtimes.id
}
