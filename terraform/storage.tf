locals {
  # The tag is the content's digest and tags are immutable, so that a name always means the same image.
  image_files = setunion(fileset("${path.module}/../lib/pragma_runtime", "**/*.py"), ["Dockerfile"])
  image_tag   = substr(sha256(join("\n", [for name in sort(local.image_files) : "${name} ${filesha256("${path.module}/../lib/pragma_runtime/${name}")}"])), 0, 20)
  built_image = "${var.region}-docker.pkg.dev/${local.project}/${google_artifact_registry_repository.runtime.repository_id}/pragma-runtime:${local.image_tag}"
}

# The functions' source zips.
resource "google_storage_bucket" "sources" {
  # checkov:skip=CKV_GCP_62:Cloud Audit Logs say who wrote here; access logs of Terraform's and Cloud Build's own reads say nothing more.
  project                     = local.project
  name                        = "${local.project}-${var.name}-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # every object can be made again from the repository

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      num_newer_versions = 1
      with_state         = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
}

# The smoke test's wheel, fetched by a signed URL.
resource "google_storage_bucket" "samples" {
  # checkov:skip=CKV_GCP_62:Holds one public sample for a day at most.
  # checkov:skip=CKV_GCP_78:As above; an older version of it is of no use.
  project                     = local.project
  name                        = "${local.project}-${var.name}-samples"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_artifact_registry_repository" "runtime" {
  # checkov:skip=CKV_GCP_84:The image holds no secret; Google's keys encrypt it.
  project       = local.project
  location      = var.region
  repository_id = "${var.name}-runtime"
  description   = "The image that runtimes run in."
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }
}

resource "google_artifact_registry_repository" "functions" {
  # checkov:skip=CKV_GCP_84:The containers hold this repository's code and no secret; Google's keys encrypt them.
  project                = local.project
  location               = var.region
  repository_id          = "${var.name}-functions"
  description            = "The functions' containers, built by Cloud Functions."
  format                 = "DOCKER"
  cleanup_policy_dry_run = false

  # Cloud Run keeps the image of a revision it serves; older builds can be made again.
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
}
