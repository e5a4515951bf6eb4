locals {
  # The tag is the content's digest and tags are immutable, so that a name always means the same image.
  image_files = setunion(fileset("${path.module}/../../../lib/pragma_runtime", "**/*.py"), ["Dockerfile", "requirements.txt"])
  image_tag   = substr(sha256(join("\n", [for name in sort(local.image_files) : "${name} ${filesha256("${path.module}/../../../lib/pragma_runtime/${name}")}"])), 0, 20)
  built_image = "${local.runtime_registry}/pragma-runtime:${local.image_tag}"

  runtime_registry = "${var.region}-docker.pkg.dev/${local.project}/${google_artifact_registry_repository.runtime.repository_id}"
}

# The functions' source zips.
resource "google_storage_bucket" "sources" {
  # checkov:skip=CKV_GCP_62:Data Access logs (audit.tf) say who read and wrote here.
  project                     = local.project
  name                        = "${local.project}-${var.name}-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # every object can be made again from the repository

  dynamic "encryption" {
    for_each = local.kms_key == null ? [] : [local.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

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

# The wheels that runtimes install: each written once under its digest, and kept for as long as anybody may install it.
resource "google_storage_bucket" "artifacts" {
  # checkov:skip=CKV_GCP_62:Data Access logs (audit.tf) say who read and wrote here.
  # checkov:skip=CKV_GCP_78:Nobody may replace an object, so that none has an older version.
  project                     = local.project
  name                        = "${local.project}-${var.name}-artifacts"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  dynamic "encryption" {
    for_each = local.kms_key == null ? [] : [local.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  versioning {
    enabled = false
  }

  # An upload is a copy until it is published, and of no use afterwards.
  lifecycle_rule {
    condition {
      age            = 1
      matches_prefix = ["uploads/"]
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

  dynamic "encryption" {
    for_each = local.kms_key == null ? [] : [local.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

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
  project       = local.project
  location      = var.region
  repository_id = "${var.name}-runtime"
  description   = "The image that runtimes run in."
  format        = "DOCKER"
  kms_key_name  = local.kms_key

  docker_config {
    immutable_tags = true
  }
}

resource "google_artifact_registry_repository" "functions" {
  project                = local.project
  location               = var.region
  repository_id          = "${var.name}-functions"
  description            = "The functions' containers, built by Cloud Functions."
  format                 = "DOCKER"
  kms_key_name           = local.kms_key
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
