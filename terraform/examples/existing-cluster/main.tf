# Next to a GKE cluster of another project, in which IAM alone says what the functions may do.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
}

provider "google-beta" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of everything that has one."
  type        = string
}

module "hub" {
  source = "../../modules/hub"

  project = var.project
  region  = var.region

  customer_realm = {
    issuer  = "https://customers.example.com"
    parties = ["https://app.example.com"]
  }

  console_realm = {
    issuer  = "https://console.example.com"
    parties = ["https://console.example.com"]
  }

  # The cluster has its DNS endpoint and Workload Identity on, and no node pool with GKE Sandbox.
  cluster = {
    existing         = { name = "shared", location = "europe-west1", project = "clusters-project" }
    access           = "iam"
    namespace_prefix = "hub-"
    runtime_class    = null
  }
}

output "api_url" {
  description = "Where callers find the API."
  value       = module.hub.api_url
}

output "build" {
  description = "What the runtime image is built with."
  value       = module.hub.build
}

output "cluster_access" {
  description = "What the cluster's roles are made from."
  value       = module.hub.cluster_access
}
