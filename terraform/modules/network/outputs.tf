output "addresses" {
  description = "The reserved addresses that traffic to the internet comes from."
  value       = google_compute_address.nat[*].address
}

output "cell_ranges" {
  description = "Names of the secondary ranges of further clusters' pods and services, by their cells, once there are such ranges."
  value       = { for cell in keys(var.cell_ranges) : cell => { pods_range = "pods-${cell}", services_range = "services-${cell}" } }
  depends_on  = [google_compute_subnetwork.nodes]
}

output "network" {
  description = "Id of the network."
  value       = google_compute_network.this.id
}

output "pods_range" {
  description = "Name of the pods' secondary range."
  value       = google_compute_subnetwork.nodes.secondary_ip_range[0].range_name
}

output "services_range" {
  description = "Name of the services' secondary range."
  value       = google_compute_subnetwork.nodes.secondary_ip_range[1].range_name
}

output "subnetwork" {
  description = "Id of the subnetwork, once what is in it reaches the internet."
  value       = google_compute_subnetwork.nodes.id
  depends_on  = [google_compute_router_nat.this]
}
