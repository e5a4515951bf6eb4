locals {
  queues = {
    for queue, server in local.queue_servers : queue => merge(
      local.usual_queue,
      # A call that comes late, such as a deadline, leaves somebody waiting: as many as the function's instances can take.
      # More would be refused with 429, and each refusal uses up an attempt.
      { concurrent = min(local.sizes[server].max_instances * local.sizes[server].concurrency, local.most_concurrent) },
      try(local.slower_queues[queue], {}),
    )
  }

  usual_queue     = { per_second = 100, attempts = 20 }
  most_concurrent = 5000 # Google's limit for a queue
  slower_queues = {
    # The throttle of auto-upgrade waves: what the cluster and the wheel hosts can bear.
    upgrades = { per_second = var.upgrades_per_second, concurrent = 20 }
  }

  # When Cloud Scheduler calls a function, in cron's notation.
  schedules = { for name, function in local.functions : name => function.triggers.schedule if can(function.triggers.schedule) }
}

resource "google_cloud_tasks_queue" "this" {
  for_each = local.queues

  project  = local.project
  name     = join("-", compact([var.name, each.key, var.suffix])) # a deleted queue's name stays blocked for days
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

  depends_on = [google_project_service_identity.agent]
}

resource "google_cloud_scheduler_job" "this" {
  for_each = local.schedules

  project          = local.project
  region           = var.region
  name             = "${var.name}-${replace(each.key, "_", "-")}"
  description      = local.functions[each.key].description
  schedule         = each.value
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.sizes[each.key].timeout}s"

  # The next tick is the next try.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = module.function[each.key].url

    oidc_token {
      service_account_email = google_service_account.caller["scheduler"].email
      audience              = module.function[each.key].url
    }
  }

  depends_on = [google_project_service_identity.agent]
}
