resource "google_compute_network" "this" {
  project                 = local.project
  name                    = var.name
  description             = "The runtimes' cluster; the functions are not in it."
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "nodes" {
  project                  = local.project
  name                     = "${var.name}-nodes"
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.network.nodes
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.network.pods
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.network.services
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Said, and not left to the network's default, so that nobody's later rule of a lower priority opens it by chance.
resource "google_compute_firewall" "deny_ingress" {
  project   = local.project
  name      = "${var.name}-deny-ingress"
  network   = google_compute_network.this.name
  direction = "INGRESS"
  priority  = 65000

  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}

# Nodes have no public address; runtimes fetch their wheels through here.
resource "google_compute_router" "this" {
  project = local.project
  name    = var.name
  network = google_compute_network.this.id
  region  = var.region
}

resource "google_compute_router_nat" "this" {
  project                             = local.project
  name                                = var.name
  router                              = google_compute_router.this.name
  region                              = var.region
  nat_ip_allocate_option              = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat  = "ALL_SUBNETWORKS_ALL_IP_RANGES"
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 64
  max_ports_per_vm                    = 4096

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
