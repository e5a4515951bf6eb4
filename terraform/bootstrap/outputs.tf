output "variables" {
  description = "The repository variables that .github/workflows/deploy.yml reads; none is a secret."
  value = {
    GCP_PROJECT           = var.project
    GCP_IDENTITY_PROVIDER = google_iam_workload_identity_pool_provider.github.name
    GCP_PLANNER           = google_service_account.planner.email
    GCP_DEPLOYER          = google_service_account.deployer.email
    HUB_NAME              = var.name
  }
}
