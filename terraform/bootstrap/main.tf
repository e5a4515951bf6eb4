locals {
  # What Terraform makes, by the role that lets the deployer make it.
  deployer_roles = toset([
    "roles/artifactregistry.admin",
    "roles/binaryauthorization.policyEditor",
    "roles/certificatemanager.owner",
    "roles/cloudbuild.builds.editor",
    "roles/cloudkms.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudtasks.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/container.admin",
    "roles/datastore.owner",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
  ])

  # What a plan reads, and the right to have its calls counted against this project, which the providers ask for. It also
  # opens the check-in keys, from which the functions' secret is put together.
  planner_roles = toset(["roles/iam.securityReviewer", "roles/serviceusage.serviceUsageConsumer", "roles/viewer"])

  # The roles that access.tf grants on the project: the deployer may grant these and no others, itself included.
  granted_roles = concat([
    "roles/artifactregistry.reader",
    "roles/container.defaultNodeServiceAccount",
    "roles/datastore.user",
    "roles/logging.logWriter",
    "roles/logging.viewAccessor",
    "roles/storage.objectViewer",
  ], [for role in ["reads_cluster", "writes_cluster"] : "projects/${var.project}/roles/${join("_", compact([replace(var.name, "-", "_"), role, var.suffix]))}"])

  pool = google_iam_workload_identity_pool.ci.name
}

data "google_project" "this" {
  project_id = var.project

  depends_on = [google_project_service.this]
}

resource "google_project_service" "this" {
  for_each = toset(["cloudresourcemanager.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com", "serviceusage.googleapis.com", "sts.googleapis.com"])

  project            = var.project
  service            = each.key
  disable_on_destroy = false
}

resource "google_iam_workload_identity_pool" "ci" {
  project                   = var.project
  workload_identity_pool_id = "${var.name}-ci"
  display_name              = "CI of ${var.name}"
  description               = "Workflows that plan and apply."

  depends_on = [google_project_service.this]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  # checkov:skip=CKV_GCP_125:The condition compares the numeric ids of repository and owner, which nobody can register again; the check knows names alone.
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository_id"
    # A merge's token says push and the branch; a pull request's says pull_request, whichever branch it comes from.
    "attribute.deploys" = "assertion.event_name == 'push' && assertion.ref == 'refs/heads/${var.branch}' ? 'true' : 'false'"
  }

  # Any other repository's token is refused here already. pull_request_target runs with this repository's rights on a
  # stranger's change, so that its token is none.
  attribute_condition = "assertion.repository_id == '${var.repository.id}' && assertion.repository_owner_id == '${var.repository.owner_id}' && assertion.event_name in ['push', 'pull_request']"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "planner" {
  project      = var.project
  account_id   = "${var.name}-ci-planner"
  display_name = "CI planner of ${var.name}"
  description  = "Plans a pull request: reads, and changes nothing."

  depends_on = [google_project_service.this]
}

resource "google_service_account" "deployer" {
  project      = var.project
  account_id   = "${var.name}-ci-deployer"
  display_name = "CI deployer of ${var.name}"
  description  = "Applies what was merged."

  depends_on = [google_project_service.this]
}

# any workflow of the repository plans
resource "google_service_account_iam_member" "plans" {
  service_account_id = google_service_account.planner.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${local.pool}/attribute.repository/${var.repository.id}"
}

# a merge alone deploys
resource "google_service_account_iam_member" "deploys" {
  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${local.pool}/attribute.deploys/true"
}

# a plan compares what is with what should be
resource "google_project_iam_member" "planner" {
  # checkov:skip=CKV_GCP_117:A plan reads each kind of resource that the configuration has, and no narrower role reads them all. It is the reader's role, and opens no secret.
  for_each = local.planner_roles

  project = var.project
  role    = each.key
  member  = google_service_account.planner.member
}

# a plan opens the check-in keys; no other secret
resource "google_project_iam_member" "planner_keys" {
  project = var.project
  role    = "roles/secretmanager.secretAccessor"
  member  = google_service_account.planner.member

  condition {
    title      = "check-in-keys"
    expression = "resource.name.startsWith(\"projects/${data.google_project.this.number}/secrets/${var.name}-check-in-key-\")"
  }
}

# an apply makes and changes what the configuration has
resource "google_project_iam_member" "deployer" {
  # checkov:skip=CKV_GCP_41:The accounts that functions run as are made by the same apply: there is none yet to grant this on.
  # checkov:skip=CKV_GCP_49:As above; what the deployer may grant on the project is held by the condition of deployer_grants.
  for_each = local.deployer_roles

  project = var.project
  role    = each.key
  member  = google_service_account.deployer.member
}

# an apply grants, and only what the configuration grants: the deployer cannot make itself an owner
resource "google_project_iam_member" "deployer_grants" {
  project = var.project
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.deployer.member

  condition {
    title      = "the-configurations-own-grants"
    expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in local.granted_roles : "'${role}'"])}])"
  }
}
