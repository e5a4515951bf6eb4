locals {
  queues = {
    # A deadline that comes late leaves somebody waiting: as fast as the function's instances can take them.
    deadlines = { per_second = 100, concurrent = 200, attempts = 20 }
    # The throttle of auto-upgrade waves: what the cluster and the wheel hosts can bear.
    upgrades = { per_second = var.upgrades.per_second, concurrent = 20, attempts = 20 }
  }

  # The bodies that `sweeper` is called with, one job each.
  sweeps = toset(["outbox"])
}

resource "google_cloud_tasks_queue" "this" {
  for_each = local.queues

  project  = local.project
  name     = "${var.name}-${each.key}"
  location = var.region

  rate_limits {
    max_dispatches_per_second = each.value.per_second
    max_concurrent_dispatches = each.value.concurrent
  }

  # What is given up here is found by the sweeper.
  retry_config {
    max_attempts  = each.value.attempts
    min_backoff   = "5s"
    max_backoff   = "300s"
    max_doublings = 6
  }

  stackdriver_logging_config {
    sampling_ratio = 0.1
  }
}

resource "google_cloud_scheduler_job" "sweep" {
  for_each = local.sweeps

  project          = local.project
  region           = var.region
  name             = "${var.name}-sweep-${each.key}"
  description      = "Finds what a crash or a silence left behind."
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.sizes["sweeper"].timeout}s"

  # The next minute is the next try.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = module.function["sweeper"].url
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode({ job = each.key }))

    oidc_token {
      service_account_email = google_service_account.caller["scheduler"].email
      audience              = module.function["sweeper"].url
    }
  }
}
