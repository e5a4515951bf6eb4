terraform {
  required_version = ">= 1.11, < 2.0" # write-only arguments: keys that are never in the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13"
    }
  }

  # Bucket and prefix come from deploy.sh, one prefix an environment: `terraform init -backend-config=bucket=…`.
  backend "gcs" {}
}

locals {
  # On everything that takes labels.
  labels = {
    application = "provider-hub"
    environment = var.name
  }
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
  default_labels        = local.labels
}

# For one resource alone: a service's own agent, which the google provider cannot create.
provider "google-beta" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
  default_labels        = local.labels
}
