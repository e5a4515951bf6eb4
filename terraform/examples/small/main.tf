# The smallest setting, as terraform.tfvars.small.example has it: next to a cluster that exists, without a load balancer.
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

  gateway = "none"

  # The cluster needs its DNS endpoint, Workload Identity, and a node pool with GKE Sandbox, or runtime_class = null.
  # Namespaces begin with the prefix, so that they are told apart from what else is in it.
  cluster = {
    existing         = { name = "shared", location = "europe-west1" }
    namespace_prefix = "hub-"
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
