locals {
  # Made by `python -m terraform.tools.package` before every plan. The same sources give the same bytes.
  archive = "${path.root}/.build/${var.function}.zip"
  image   = "${var.build.registry}/${var.name}"
  # What functions run on. It is named twice: for the build, and for the container that gets its security fixes.
  base_image = "${var.region}-docker.pkg.dev/serverless-runtimes/google-22-full/runtimes/python312"
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

# The name carries the content's hash, so changed code is a new object and a new deployment. Terraform creates the new one
# before it deletes the old one, and does the same with all that the object depends on. So it takes the bucket from
# `sources_bucket`, and nothing else of `build`.
resource "google_storage_bucket_object" "source" {
  bucket = var.sources_bucket
  name   = "functions/${var.name}/${filesha256(local.archive)}.zip"
  source = local.archive

  lifecycle {
    create_before_destroy = true
  }
}

# A Cloud Run service that is built from source, which is what a function is since its second generation. The functions' own
# resource cannot switch the invoker check off, so that a public function would need a grant to `allUsers`.
resource "google_cloud_run_v2_service" "this" {
  project     = var.project
  location    = var.region
  name        = var.name
  description = var.description
  ingress     = var.ingress
  # The load balancer has no identity to show, and domain-restricted sharing refuses `allUsers`. Who is calling is in the
  # bearer token, which the function checks itself.
  invoker_iam_disabled = var.public
  deletion_protection  = false # holds no data; its source is in the repository

  build_config {
    source_location          = "gs://${var.sources_bucket}/${google_storage_bucket_object.source.name}"
    function_target          = var.function
    image_uri                = local.image
    base_image               = local.base_image
    enable_automatic_updates = true # security fixes of the base image arrive without a deployment
    service_account          = var.build.service_account
    worker_pool              = var.build.worker_pool
  }

  template {
    service_account = google_service_account.this.email
    timeout         = "${var.size.timeout}s"
    # As many as there are threads (below): a request that waits inside an instance cannot go to another one.
    max_instance_request_concurrency = var.size.concurrency

    # Linux itself. Hostile input is read within limits of memory, and gVisor, the first generation, keeps no peak of it.
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

    encryption_key = var.kms_key

    dynamic "vpc_access" {
      for_each = var.network == null ? [] : [var.network]
      content {
        egress = "ALL_TRAFFIC"
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }

    scaling {
      min_instance_count = var.size.min_instances
      max_instance_count = var.size.max_instances
    }

    containers {
      image          = local.image
      base_image_uri = local.base_image

      resources {
        limits            = { cpu = var.size.cpu, memory = var.size.memory }
        cpu_idle          = true # paid for while it handles requests
        startup_cpu_boost = true
      }

      dynamic "env" {
        # functions-framework's threads.
        for_each = merge(var.environment, { THREADS = tostring(var.size.concurrency) })
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.id
              version = env.value.version
            }
          }
        }
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.this]
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = var.callers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value

  lifecycle {
    # A service that was made anew has the same name and no grants.
    replace_triggered_by = [google_cloud_run_v2_service.this.uid]
  }
}
