# A large setting, as terraform.tfvars.large.example has it: many tenants, tens of thousands of installations.
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
    issuer    = "https://customers.example.com"
    jwks_url  = "https://customers.example.com/keys"
    audiences = ["provider-hub"]

    # Tenants' machines have opaque tokens. The secret holds the machine secret key; make it before the first deployment.
    lookup = {
      url = "https://customers.example.com/v1/m2m_tokens/verify"
      # checkov:skip=CKV_SECRET_6:the name of a secret in Secret Manager, not its value
      secret = "customer-lookup"
    }
  }

  console_realm = {
    issuer  = "https://console.example.com"
    parties = ["https://console.example.com"]
  }

  domain = "hub.example.com"

  rate_limit = 3000
  operators  = ["group:platform@example.com"]

  # A multi-region: survives the loss of a region, and costs twice as much.
  database = {
    location = "eur3"
  }

  # A /14 of pods holds 4,096 nodes; the services range is what Kubernetes Services get their addresses from. The nodes of
  # both clusters come from one range.
  network = {
    nodes    = "10.0.0.0/19"
    pods     = "10.16.0.0/14"
    services = "10.32.0.0/14"
  }

  # A second cluster, for more pods than one holds. It is new and empty: it gets three of four new organizations.
  # A hub that runs already gets it with weight = 0, and its weight in the deployment after.
  cells = {
    second = {
      weight = 3
      ranges = { pods = "10.20.0.0/14", services = "10.36.0.0/14" }
    }
  }

  # Warm instances where somebody waits, and enough of them for 10,000 check-ins a second: one instance of registration
  # writes about 200 a second, so 50 are at work and 100 have room for a burst. Cloud Run refuses a function whose instances
  # would be over the region's quota of CPUs or memory: these want 100 vCPUs and 120 GiB, which `deploy.sh` looks at first. A
  # new project has less; ask for more.
  functions = {
    installations = { min_instances = 2, max_instances = 100 }
    catalog       = { min_instances = 2, max_instances = 100 }
    identity      = { min_instances = 1, max_instances = 20 }
    operations    = { min_instances = 1 }
    publishing    = { memory = "4Gi", cpu = "2", concurrency = 5, max_instances = 30 }
    installer     = { min_instances = 1, max_instances = 100 }
    registration  = { min_instances = 2, max_instances = 100, memory = "1Gi" }
  }

  # Four in five check-ins less than by default; waves run longer. 40 slices of a sweep go through a million installations in
  # less than a day. docs/settings.md lists what can be set.
  settings = {
    bake_seconds       = 3600
    check_in_seconds   = 1500
    drift_slices       = 40
    installation_quota = 1000
    silence_seconds    = 4500
  }

  upgrades_per_second = 20

  alert_emails        = ["oncall@example.com", "platform@example.com"]
  alert_installations = 100

  budget = {
    billing_account = "012345-6789AB-CDEF01"
    amount          = 100000
    currency        = "EUR"
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

output "cells" {
  description = "The clusters that step 4 of the module's page is for."
  value       = module.hub.cells
}

output "cluster_access" {
  description = "What the cluster's roles are made from."
  value       = module.hub.cluster_access
}
