output "account" {
  description = "Full name of its service account."
  value       = google_service_account.this.name
}

output "member" {
  description = "Its service account as an IAM member."
  value       = google_service_account.this.member
}

output "service" {
  description = "Name of its Cloud Run service, once its callers may call it."
  value       = google_cloud_run_v2_service.this.name
  depends_on  = [google_cloud_run_v2_service_iam_member.caller]
}

output "url" {
  description = "Its address, once its callers may call it."
  value       = var.url
  depends_on  = [google_cloud_run_v2_service.this, google_cloud_run_v2_service_iam_member.caller]
}
