locals {
  # The cluster that runtimes are deployed to: its own, or one that exists.
  cluster = var.cluster.existing == null ? {
    project  = local.project
    number   = local.number
    location = var.region
    name     = var.name
    endpoint = module.cluster[0].endpoint
    id       = module.cluster[0].id
    } : {
    project  = data.google_container_cluster.existing[0].project
    number   = data.google_project.cluster[0].number
    location = var.cluster.existing.location
    name     = var.cluster.existing.name
    endpoint = data.google_container_cluster.existing[0].control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
    id       = "projects/${data.google_container_cluster.existing[0].project}/locations/${var.cluster.existing.location}/clusters/${var.cluster.existing.name}"
  }

  # The clusters of the other cells, all in the project of the first one: a grant on a project's clusters is on each of them.
  cells = merge({
    for name, made in module.cell : name => {
      location = var.region
      name     = "${var.name}-${name}"
      endpoint = made.endpoint
      id       = made.id
    }
    }, {
    for name, found in data.google_container_cluster.cell : name => {
      location = found.location
      name     = found.name
      endpoint = found.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
      id       = "projects/${local.cluster.project}/locations/${found.location}/clusters/${found.name}"
    }
  })
  made_cells   = { for name, cell in var.cells : name => cell.ranges if cell.existing == null }
  cell_weights = merge({ default = var.cluster.weight }, { for name, cell in var.cells : name => cell.weight })

  of_a_cell = length(local.cells) == 0 ? "resource.labels.cluster_name=\"${local.cluster.name}\"" : "resource.labels.cluster_name=(${join(" OR ", [for cell in concat([local.cluster], values(local.cells)) : "\"${cell.name}\""])})"

  # Every pod of a cell's cluster and of no other cluster, whichever namespace and service account: runtimes need no key and
  # no account of ours. What another pod of a shared cluster publishes is not believed: a check-in carries its generation's token.
  runtimes         = "${local.pods_of}${local.cluster.id}"
  runtimes_by_cell = { for name, cell in local.cells : name => "${local.pods_of}${cell.id}" }
  pods_of          = "principalSet://iam.googleapis.com/projects/${local.cluster.number}/locations/global/workloadIdentityPools/${local.cluster.project}.svc.id.goog/kubernetes.cluster/https://container.googleapis.com/v1/"
}

module "cluster" {
  source = "../cluster"
  count  = var.cluster.existing == null ? 1 : 0

  project              = local.project
  region               = var.region
  name                 = var.name
  network              = local.network
  node_account         = google_service_account.nodes.email
  deletion_protection  = var.deletion_protection
  binary_authorization = var.allowed_images != null
  kms_key              = local.kms_key

  depends_on = [
    google_project_iam_member.nodes,
    google_project_iam_member.host_agent,
    google_compute_subnetwork_iam_member.network_users,
  ]
}

module "cell" {
  source   = "../cluster"
  for_each = local.made_cells

  project = local.project
  region  = var.region
  name    = "${var.name}-${each.key}"
  network = merge(local.network, local.owns_network ? module.network[0].cell_ranges[each.key] : {
    pods_range     = each.value.pods
    services_range = each.value.services
  })
  node_account         = google_service_account.nodes.email
  deletion_protection  = var.deletion_protection
  binary_authorization = var.allowed_images != null
  kms_key              = local.kms_key

  depends_on = [
    google_project_iam_member.nodes,
    google_project_iam_member.host_agent,
    google_compute_subnetwork_iam_member.network_users,
  ]
}

data "google_container_cluster" "existing" {
  count = var.cluster.existing == null ? 0 : 1

  project  = coalesce(var.cluster.existing.project, var.project)
  location = var.cluster.existing.location
  name     = var.cluster.existing.name
}

data "google_container_cluster" "cell" {
  for_each = { for name, cell in var.cells : name => cell.existing if cell.existing != null }

  project  = local.cluster.project
  location = each.value.location
  name     = each.value.name
}

data "google_project" "cluster" {
  count = var.cluster.existing == null ? 0 : 1

  project_id = coalesce(var.cluster.existing.project, var.project)
}
