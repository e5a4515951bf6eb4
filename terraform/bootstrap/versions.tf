# What CI deploys with, made once by an owner of the project, before the first deployment. Terraform needs three services
# before it can enable any:
#
#   gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com iam.googleapis.com --project=my-project
#   terraform -chdir=terraform/bootstrap init
#   terraform -chdir=terraform/bootstrap apply -var project=my-project -var 'repository={id="123",owner_id="456"}'
#
# Its own small state stays with whoever applies it, or in a backend of their choice; it holds no secret.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project               = var.project
  billing_project       = var.project
  user_project_override = true
}
