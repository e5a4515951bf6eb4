output "address" {
  description = "The load balancer's address, for the A record of `domain`; null without one."
  value       = local.has_gateway ? module.gateway[0].address : null
}

output "api_url" {
  description = "Where callers find the API; with a domain it answers once the certificate is issued."
  value       = local.api_url
}

output "build" {
  description = "What deploy.sh needs to build the runtime image: its name (null where runtime_image is given), the account that builds, and the bucket that this account may read the sources from."
  value = {
    image           = var.runtime_image == null ? local.built_image : null
    service_account = google_service_account.builder.id
    bucket          = google_storage_bucket.sources.name
  }
  depends_on = [time_sleep.builder_grants]
}

output "cells" {
  description = "Every cell's cluster, as the output `cluster` gives that of the cell default, and the cell's weight."
  value = merge({ default = { name = local.cluster.name, location = local.cluster.location, project = local.cluster.project, endpoint = local.cluster.endpoint, weight = local.cell_weights.default } }, {
    for cell, cluster in local.cells : cell => { name = cluster.name, location = cluster.location, project = local.cluster.project, endpoint = cluster.endpoint, weight = local.cell_weights[cell] }
  })
}

output "check_in_topic" {
  description = "Full name of the topic that runtimes check in at."
  value       = "projects/${local.project}/topics/${module.topic["runtime-check-ins"].name}"
  depends_on  = [google_pubsub_topic_iam_member.runtimes_check_in, google_pubsub_topic_iam_member.cells_check_in]
}

output "cluster" {
  description = "The cluster, for `gcloud container clusters get-credentials --dns-endpoint`, and its control plane's host name."
  value = {
    name     = local.cluster.name
    location = local.cluster.location
    project  = local.cluster.project
    endpoint = local.cluster.endpoint
  }
}

output "cluster_access" {
  description = "What tools/rbac.py makes the cluster's roles from: the hub's id, and the accounts that read and write; null where IAM alone decides."
  value = var.cluster.access != "rbac" ? null : {
    hub_id  = local.environment.HUB_CLUSTER_HUB_ID
    readers = sort([for name, may in local.access : trimprefix(module.function[name].member, "serviceAccount:") if can(may.reads_cluster)])
    writers = sort([for name, may in local.access : trimprefix(module.function[name].member, "serviceAccount:") if can(may.writes_cluster)])
  }
}

output "console_url" {
  description = "Where people open the web console; null without one. It is also the redirect URI of its OAuth application."
  value       = local.has_console ? "${local.api_url}/app/" : null
}

output "dashboard" {
  description = "The dashboard in the console."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.this.id)}?project=${local.project}"
}

output "database" {
  description = "Id of the Firestore database."
  value       = google_firestore_database.this.name
}

output "dns_records" {
  description = "The DNS records of the API's host names: addresses, and proofs that the names are yours, which certificates are issued by before any traffic comes."
  value       = local.has_gateway ? module.gateway[0].dns_records : []
}

output "egress_addresses" {
  description = "The reserved addresses that runtimes, and functions with egress through the network, come from."
  value       = flatten(module.network[*].addresses)
}

output "audit_writer" {
  description = "The identity that writes to `audit.sink`, which must be let in there; null without a sink."
  value       = one(google_logging_project_sink.audit[*].writer_identity)
}

output "samples" {
  description = "Where deploy.sh puts the smoke test's wheel: the bucket, and the account that signs its URL."
  value = {
    bucket          = google_storage_bucket.samples.name
    service_account = google_service_account.smoke.email
  }
}
