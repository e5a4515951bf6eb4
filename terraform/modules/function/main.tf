locals {
  folder = "${var.repository}/functions/${var.function}"
  lib    = "${var.repository}/lib"

  # What goes into the zip, beside main.py and requirements.txt at its root: this one package.
  included = "provider_hub/**/*.py"
  modules  = fileset(local.lib, local.included)

  files = merge(
    { for name in ["main.py", "requirements.txt"] : name => "${local.folder}/${name}" },
    { for name in local.modules : name => "${local.lib}/${name}" },
  )
}

resource "google_service_account" "this" {
  project      = var.project
  account_id   = var.name
  display_name = "Function ${var.name}"
  description  = var.description
}

resource "google_secret_manager_secret_iam_member" "this" {
  for_each = var.secrets

  project   = var.project
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

data "archive_file" "source" {
  type        = "zip"
  output_path = "${path.root}/.build/${var.name}.zip"

  dynamic "source" {
    for_each = local.files
    content {
      filename = source.key
      content  = file(source.value)
    }
  }
}

# The name carries the content's hash: changed code is another object, and so another deployment.
resource "google_storage_bucket_object" "source" {
  bucket = var.build.bucket
  name   = "functions/${var.name}/${data.archive_file.source.output_sha256}.zip"
  source = data.archive_file.source.output_path

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_cloudfunctions2_function" "this" {
  project     = var.project
  location    = var.region
  name        = var.name
  description = var.description

  build_config {
    runtime           = "python312"
    entry_point       = var.function
    service_account   = var.build.service_account
    docker_repository = var.build.repository

    source {
      storage_source {
        bucket = var.build.bucket
        object = google_storage_bucket_object.source.name
      }
    }

    automatic_update_policy {} # security fixes of the base image arrive without a deployment
  }

  service_config {
    service_account_email            = google_service_account.this.email
    available_memory                 = var.size.memory
    available_cpu                    = var.size.cpu
    max_instance_request_concurrency = var.size.concurrency
    min_instance_count               = var.size.min_instances
    max_instance_count               = var.size.max_instances
    timeout_seconds                  = var.size.timeout
    ingress_settings                 = var.public ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true
    # The framework's threads: Cloud Run sends this many requests to an instance before it starts another one.
    environment_variables = merge(var.environment, { THREADS = tostring(var.size.concurrency) })

    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value.id
        version    = secret_environment_variables.value.version
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.this]
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = var.callers

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = each.value
}

# The load balancer has no identity of its own to show. Who is calling is in the bearer token, which the function checks;
# and it can be called no other way than through the load balancer, see ingress_settings.
resource "google_cloud_run_v2_service_iam_member" "public" {
  count = var.public ? 1 : 0

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}
