locals {
  labels = {
    application = "provider-hub"
    environment = var.name
  }

  services = toset(concat([
    "artifactregistry.googleapis.com",
    "binaryauthorization.googleapis.com",
    "certificatemanager.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtasks.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ], var.budget == null ? [] : ["billingbudgets.googleapis.com"]))

  agents = toset(concat(
    ["cloudscheduler", "cloudtasks", "container", "pubsub", "run"],
    var.encryption == null ? [] : ["artifactregistry", "firestore", "secretmanager"],
  ))

  # The project's id by way of the wait below: whoever names the project waits for its services.
  project = time_sleep.services.triggers.project
  number  = data.google_project.this.number
}

# Read while planning, so that nothing made from the number is unknown; deploy.sh enables the service this needs.
data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "this" {
  for_each = local.services

  project            = var.project
  service            = each.key
  disable_on_destroy = false # another environment of the project, or something else in it, may need the service
}

# A service that was just enabled refuses its first calls for a while.
resource "time_sleep" "services" {
  create_duration = "45s"
  triggers = {
    project  = var.project
    services = join(",", sort([for service in google_project_service.this : service.service]))
  }
}

# Services' own agents exist only once they are asked for. To Pub/Sub's, dead-lettering and push tokens are granted; Cloud
# Tasks and Cloud Scheduler make the tokens of their calls with theirs, and get the right to with the agent.
resource "google_project_service_identity" "agent" {
  provider = google-beta
  for_each = local.agents

  project = local.project
  service = "${each.key}.googleapis.com"
}
