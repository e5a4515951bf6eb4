# Who may do what. `access` in functions/functions.json says it for the functions, with the reason; the resources below only
# carry it out. The table in README.md is made from both: of a resource that `access` does not drive, the comment above it is the reason.

locals {
  access = { for name, function in local.functions : name => function.access }

  publishes     = merge([for name, may in local.access : { for topic in keys(lookup(may, "publishes", {})) : "${name}/${topic}" => { function = name, on = topic } }]...)
  creates_tasks = merge([for name, may in local.access : { for queue in keys(lookup(may, "creates_tasks", {})) : "${name}/${queue}" => { function = name, on = queue } }]...)
  deletes_tasks = merge([for name, may in local.access : { for queue in keys(lookup(may, "deletes_tasks", {})) : "${name}/${queue}" => { function = name, on = queue } }]...)

  encrypts = merge([for name, may in local.access : { for key in keys(lookup(may, "encrypts", {})) : "${name}/${key}" => { function = name, on = key } }]...)
  decrypts = merge([for name, may in local.access : { for key in keys(lookup(may, "decrypts", {})) : "${name}/${key}" => { function = name, on = key } }]...)
  keys     = { config-values = google_kms_crypto_key.config_values.id }

  # The bucket of the operator's own copy of OSV's export. OSV's own bucket lets everybody read, and nobody else give grants.
  advisories_bucket  = try(regex("^gs://([^/]+)/", lookup(var.settings, "advisories_export", ""))[0], null)
  advisories_granted = local.advisories_bucket != null && local.advisories_bucket != "osv-vulnerabilities"

  # What IAM gives where RBAC says the rest (`cluster.access`, and tools/rbac.py): reaching the control plane.
  connects = ["container.clusters.connect", "container.clusters.get"]

  # Else the cluster's objects as well, as lib/provider_hub/adapters/kubernetes speaks to them.
  reads_cluster = [
    "container.clusters.connect",
    "container.clusters.get",
    "container.deployments.get",
    "container.pods.getLogs",
    "container.pods.list",
  ]

  writes_cluster = concat(local.reads_cluster, flatten([
    for kind in ["deployments", "podDisruptionBudgets", "secrets", "serviceAccounts", "services"] :
    [for verb in ["create", "delete", "get", "list", "update"] : "container.${kind}.${verb}"]
    ]), flatten([
    for kind in ["limitRanges", "namespaces", "networkPolicies", "resourceQuotas"] :
    [for verb in ["create", "get", "update"] : "container.${kind}.${verb}"]
    ]), [
    "container.replicaSets.list",
  ])
}

resource "google_project_iam_member" "documents" {
  for_each = { for name, may in local.access : name => name if can(may.documents) }

  project = local.project
  role    = "roles/datastore.user"
  member  = module.function[each.key].member

  # Firestore has no policy on a database; this is how a grant is held to one.
  condition {
    title      = "${var.name}-database"
    expression = "resource.name == \"projects/${local.project}/databases/${google_firestore_database.this.name}\""
  }
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = local.publishes

  project = local.project
  topic   = module.topic[each.value.on].name
  role    = "roles/pubsub.publisher"
  member  = module.function[each.value.function].member
}

resource "google_cloud_tasks_queue_iam_member" "creates_tasks" {
  for_each = local.creates_tasks

  project  = local.project
  location = var.region
  name     = google_cloud_tasks_queue.this[each.value.on].name
  role     = "roles/cloudtasks.enqueuer"
  member   = module.function[each.value.function].member
}

resource "google_cloud_tasks_queue_iam_member" "deletes_tasks" {
  for_each = local.deletes_tasks

  project  = local.project
  location = var.region
  name     = google_cloud_tasks_queue.this[each.value.on].name
  role     = "roles/cloudtasks.taskDeleter"
  member   = module.function[each.value.function].member
}

resource "google_kms_crypto_key_iam_member" "encrypts" {
  for_each = local.encrypts

  crypto_key_id = local.keys[each.value.on]
  role          = "roles/cloudkms.cryptoKeyEncrypter"
  member        = module.function[each.value.function].member
}

resource "google_kms_crypto_key_iam_member" "decrypts" {
  for_each = local.decrypts

  crypto_key_id = local.keys[each.value.on]
  role          = "roles/cloudkms.cryptoKeyDecrypter"
  member        = module.function[each.value.function].member
}

# a task carries this account's token, and whoever creates one must be allowed to lend it
resource "google_service_account_iam_member" "lends_tasks_account" {
  for_each = { for name, may in local.access : name => name if can(may.creates_tasks) }

  service_account_id = google_service_account.caller["tasks"].name
  role               = "roles/iam.serviceAccountUser"
  member             = module.function[each.key].member
}

# Who may create may not replace: that would take the right to delete, which nobody has.
resource "google_storage_bucket_iam_member" "creates_objects" {
  for_each = { for name, may in local.access : name => name if can(may.creates_objects) }

  bucket = google_storage_bucket.artifacts.name
  role   = "roles/storage.objectCreator"
  member = module.function[each.key].member
}

resource "google_storage_bucket_iam_member" "reads_objects" {
  for_each = { for name, may in local.access : name => name if can(may.reads_objects) }

  bucket = google_storage_bucket.artifacts.name
  role   = "roles/storage.legacyObjectReader" # gets an object whose name it knows, and lists none
  member = module.function[each.key].member
}

resource "google_storage_bucket_iam_member" "reads_advisories" {
  for_each = { for name, may in local.access : name => name if can(may.reads_advisories) && local.advisories_granted }

  bucket = local.advisories_bucket
  role   = "roles/storage.legacyObjectReader" # gets the one object that it is told of, and lists none
  member = module.function[each.key].member
}

# On the function's own account alone: IAM signs URLs for it, since it has no key.
resource "google_service_account_iam_member" "signs_urls" {
  for_each = { for name, may in local.access : name => name if can(may.signs_urls) }

  service_account_id = module.function[each.key].account
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = module.function[each.key].member
}

# GKE has no policy on a cluster, so that a role holds for all of the project: with RBAC it opens no more than the door.
resource "google_project_iam_custom_role" "reads_cluster" {
  project     = local.cluster.project
  role_id     = join("_", compact([replace(var.name, "-", "_"), "reads_cluster", var.suffix])) # a deleted role's id stays blocked for weeks
  title       = "${var.name}: reads deployments"
  description = "Reaches the control plane and reads deployments, their pods and what those print."
  permissions = var.cluster.access == "rbac" ? local.connects : local.reads_cluster
}

resource "google_project_iam_custom_role" "writes_cluster" {
  project     = local.cluster.project
  role_id     = join("_", compact([replace(var.name, "-", "_"), "writes_cluster", var.suffix]))
  title       = "${var.name}: applies installations"
  description = "Reaches the control plane and applies and removes the kinds an installation consists of."
  permissions = var.cluster.access == "rbac" ? local.connects : distinct(local.writes_cluster)
}

# All that containers print, and no other entry of the project: a view tells no namespaces apart.
resource "google_logging_log_view" "pods" {
  name        = "${var.name}-pods"
  bucket      = "projects/${local.cluster.project}/locations/global/buckets/_Default"
  description = "What pods print."
  filter      = "resource.type = \"k8s_container\""
}

resource "google_project_iam_member" "reads_logs" {
  for_each = { for name, may in local.access : name => name if can(may.reads_logs) }

  project = local.cluster.project
  role    = "roles/logging.viewAccessor"
  member  = module.function[each.key].member

  condition {
    title      = "${var.name}-pods"
    expression = "resource.name == \"${google_logging_log_view.pods.id}\""
  }
}

resource "google_project_iam_member" "reads_cluster" {
  for_each = { for name, may in local.access : name => name if can(may.reads_cluster) }

  project = local.cluster.project
  role    = google_project_iam_custom_role.reads_cluster.name
  member  = module.function[each.key].member
}

resource "google_project_iam_member" "writes_cluster" {
  for_each = { for name, may in local.access : name => name if can(may.writes_cluster) }

  project = local.cluster.project
  role    = google_project_iam_custom_role.writes_cluster.name
  member  = module.function[each.key].member
}

# runtimes say that they are up, and may say nothing else to anybody
resource "google_pubsub_topic_iam_member" "runtimes_check_in" {
  project = local.project
  topic   = module.topic["runtime-check-ins"].name
  role    = "roles/pubsub.publisher"
  member  = local.runtimes
}

# the same for the runtimes of each further cell
resource "google_pubsub_topic_iam_member" "cells_check_in" {
  for_each = local.runtimes_by_cell

  project = local.project
  topic   = module.topic["runtime-check-ins"].name
  role    = "roles/pubsub.publisher"
  member  = each.value
}

resource "google_project_iam_custom_role" "gets_objects" {
  project     = local.project
  role_id     = join("_", compact([replace(var.name, "-", "_"), "gets_objects", var.suffix]))
  title       = "${var.name}: gets objects"
  description = "Gets an object by its name, and lists none."
  permissions = ["storage.objects.get"]
}

# runtimes fetch the wheel whose digest and file name they were told, and no upload that nobody has verified
resource "google_storage_bucket_iam_member" "runtimes_read" {
  bucket = google_storage_bucket.artifacts.name
  role   = google_project_iam_custom_role.gets_objects.name
  member = local.runtimes

  condition {
    title      = "${var.name}-kept-wheels"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.artifacts.name}/objects/sha256/\")"
  }
}

# the same for the runtimes of each further cell
resource "google_storage_bucket_iam_member" "cells_read" {
  for_each = local.runtimes_by_cell

  bucket = google_storage_bucket.artifacts.name
  role   = google_project_iam_custom_role.gets_objects.name
  member = each.value

  condition {
    title      = "${var.name}-kept-wheels"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.artifacts.name}/objects/sha256/\")"
  }
}

# Pub/Sub makes the token that a push carries
resource "google_service_account_iam_member" "agent_signs_pushes" {
  service_account_id = google_service_account.caller["push"].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_project_service_identity.agent["pubsub"].member
}

# logs, metrics and node registration, as GKE defines them
resource "google_project_iam_member" "nodes" {
  project = local.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
}

# nodes pull the runtime image
resource "google_artifact_registry_repository_iam_member" "nodes" {
  project    = local.project
  location   = var.region
  repository = google_artifact_registry_repository.runtime.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes.member
}

# a build's log
resource "google_project_iam_member" "builder" {
  project = local.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.builder.member
}

# a build reads the source that Terraform uploaded
resource "google_storage_bucket_iam_member" "builder" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.builder.member
}

# Cloud Functions copies the source to a bucket of its own in the project, which no Terraform resource stands for
resource "google_project_iam_member" "builder_sources" {
  project = local.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builder.member

  condition {
    title      = "gcf-v2-sources"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${local.number}-${var.region}\")"
  }
}

# a build pushes the functions' containers, and the runtime image
resource "google_artifact_registry_repository_iam_member" "builder" {
  for_each = { functions = google_artifact_registry_repository.functions.name, runtime = google_artifact_registry_repository.runtime.name }

  project    = local.project
  location   = var.region
  repository = each.value
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

# a browser reads the web console's files by their names, and may not list them
resource "google_storage_bucket_iam_member" "console" {
  # checkov:skip=CKV_GCP_28:A browser reads the page without credentials; the bucket holds the repository's own files and no data.
  count = local.has_console ? 1 : 0

  bucket = google_storage_bucket.console[0].name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}

# the sample wheel is fetched by a URL that this account signed
resource "google_storage_bucket_iam_member" "smoke" {
  bucket = google_storage_bucket.samples.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.smoke.member
}

# operators sign the sample wheel's URL as that account
resource "google_service_account_iam_member" "operators" {
  for_each = toset(compact(concat(var.operators, [var.operator])))

  service_account_id = google_service_account.smoke.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}

# A grant takes effect some time after it is made, and a function's first build does not wait for it.
resource "time_sleep" "builder_grants" {
  create_duration = "60s"
  triggers = {
    service_account = google_service_account.builder.id
    registry        = "${var.region}-docker.pkg.dev/${local.project}/${google_artifact_registry_repository.functions.repository_id}"
    bucket          = google_storage_bucket.sources.name
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.builder,
    google_project_iam_member.builder,
    google_project_iam_member.builder_sources,
    google_storage_bucket_iam_member.builder,
  ]
}
