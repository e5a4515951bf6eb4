locals {
  # What runs in the network: the clusters that are made here, and the functions where their egress goes through it.
  makes_cluster = var.cluster.existing == null || length(local.made_cells) > 0
  needs_network = local.makes_cluster || var.egress == "network"
  owns_network  = local.needs_network && var.network.existing == null
  host_project  = try(coalesce(var.network.existing.project, var.project), var.project)
  shares_vpc    = local.needs_network && local.host_project != var.project

  existing_network = var.network.existing == null ? null : {
    network        = "projects/${local.host_project}/global/networks/${var.network.existing.network}"
    subnetwork     = "projects/${local.host_project}/regions/${var.region}/subnetworks/${var.network.existing.subnetwork}"
    pods_range     = var.network.existing.pods_range
    services_range = var.network.existing.services_range
  }

  own_network = one([for network in module.network : {
    network        = network.network
    subnetwork     = network.subnetwork
    pods_range     = network.pods_range
    services_range = network.services_range
  }])

  network = local.owns_network ? local.own_network : local.existing_network

  # Google's agents that use the host project's subnetwork: GKE's, the one that makes its nodes, and Cloud Run's.
  network_users = !local.shares_vpc || !try(var.network.existing.grants, false) ? {} : {
    gke    = "serviceAccount:service-${local.number}@container-engine-robot.iam.gserviceaccount.com"
    apis   = "serviceAccount:${local.number}@cloudservices.gserviceaccount.com"
    nodes  = google_service_account.nodes.member
    egress = "serviceAccount:service-${local.number}@serverless-robot-prod.iam.gserviceaccount.com"
  }
}

module "network" {
  source = "../network"
  count  = local.owns_network ? 1 : 0

  project          = local.project
  region           = var.region
  name             = var.name
  ranges           = { nodes = var.network.nodes, pods = var.network.pods, services = var.network.services }
  cell_ranges      = local.made_cells
  static_addresses = var.network.static_addresses
}

# a cluster, and functions, of this project use a subnetwork of the Shared VPC's host project
resource "google_compute_subnetwork_iam_member" "network_users" {
  for_each = local.network_users

  project    = local.host_project
  region     = var.region
  subnetwork = local.existing_network.subnetwork
  role       = "roles/compute.networkUser"
  member     = each.value

  depends_on = [google_project_service_identity.agent]
}

# GKE manages its own firewall rules and addresses in the Shared VPC's host project
resource "google_project_iam_member" "host_agent" {
  count = contains(keys(local.network_users), "gke") && local.makes_cluster ? 1 : 0

  project = local.host_project
  role    = "roles/container.hostServiceAgentUser"
  member  = local.network_users.gke

  depends_on = [google_project_service_identity.agent]
}
