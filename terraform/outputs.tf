output "address" {
  description = "The gateway's address, for the A record of `domain`."
  value       = google_compute_global_address.gateway.address
}

output "api_url" {
  description = "Where callers find the API; it answers once the certificate is issued."
  value       = "https://${local.host}"
  depends_on  = [google_compute_global_forwarding_rule.https]
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

output "check_in_topic" {
  description = "Full name of the topic that runtimes check in at."
  value       = "projects/${local.project}/topics/${module.topic["runtime-check-ins"].name}"
  depends_on  = [google_pubsub_topic_iam_member.runtimes_check_in]
}

output "cluster" {
  description = "Name of the cluster, for `gcloud container clusters get-credentials --dns-endpoint`."
  value       = google_container_cluster.runtimes.name
}

output "dashboard" {
  description = "The dashboard in the console."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.this.id)}?project=${local.project}"
}

output "database" {
  description = "Id of the Firestore database."
  value       = google_firestore_database.this.name
}

output "samples" {
  description = "Where deploy.sh puts the smoke test's wheel: the bucket, and the account that signs its URL."
  value = {
    bucket          = google_storage_bucket.samples.name
    service_account = google_service_account.smoke.email
  }
}
