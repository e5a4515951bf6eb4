resource "google_compute_network" "this" {
  project                 = var.project
  name                    = var.name
  description             = "The runtimes' cluster, and the functions where their egress goes through it."
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "nodes" {
  project                  = var.project
  name                     = "${var.name}-nodes"
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.ranges.nodes
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.ranges.pods
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.ranges.services
  }

  dynamic "secondary_ip_range" {
    for_each = merge([for cell, ranges in var.cell_ranges : { for use, range in ranges : "${use}-${cell}" => range }]...)
    content {
      range_name    = secondary_ip_range.key
      ip_cidr_range = secondary_ip_range.value
    }
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Said, and not left to the network's default, so that nobody's later rule of a lower priority opens it by chance.
resource "google_compute_firewall" "deny_ingress" {
  project   = var.project
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
  project = var.project
  name    = var.name
  network = google_compute_network.this.id
  region  = var.region
}

# Addresses that stay the same, for whoever lets known callers in alone. Google releases none that the NAT uses, so that the
# NAT changes before one goes. Change no argument here: almost each makes another address, and the name is taken.
resource "google_compute_address" "nat" {
  count = var.static_addresses

  project      = var.project
  name         = "${var.name}-nat-${count.index}"
  description  = "What runtimes and functions come from."
  region       = var.region
  address_type = "EXTERNAL"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_router_nat" "this" {
  project                             = var.project
  name                                = var.name
  router                              = google_compute_router.this.name
  region                              = var.region
  nat_ip_allocate_option              = var.static_addresses > 0 ? "MANUAL_ONLY" : "AUTO_ONLY"
  nat_ips                             = var.static_addresses > 0 ? google_compute_address.nat[*].self_link : null
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
