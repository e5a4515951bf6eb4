locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  # What wakes somebody. `above` is in the metric's unit; `for` is how long it must last.
  alerts = {
    dead_letter = {
      title    = "a message was given up"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.dead_letters}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "GET /ops/dead-letter as the organization shows it with its reason; once that is mended, POST …/retry puts it back."
      severity = "ERROR"
    }
    orphans_kept = {
      title    = "most of what runs in the cluster has no row"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.orphans_kept}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "The sweeper removes nothing. Look whether the functions read the database that belongs to this cluster: HUB_DATABASE, or a restore that is not done yet."
      severity = "CRITICAL"
    }
    outbox = {
      title    = "messages are owed for more than 5 minutes"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.outbox_oldest_seconds}\""
      aligner  = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", above = 300, for = "0s"
      advice   = "The sweeper runs and cannot publish: look at its log, then at Pub/Sub's status and the sweeper's grants on the topics."
      severity = "CRITICAL"
    }
    latency = {
      title    = "p99 of the API is above 2 seconds"
      filter   = local.latency
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", above = 2000, for = "600s"
      advice   = "The dashboard says which function; cold starts go with min_instances, contention shows as ABORTED in the logs."
      severity = "WARNING"
    }
    backlog = {
      title    = "a consumer is more than 5 minutes behind"
      filter   = local.backlog
      aligner  = "ALIGN_MAX", reducer = "REDUCE_MAX", above = 300, for = "300s"
      advice   = "Retries of one ordering key hold back that key alone; all keys waiting means that the consumer fails or has too few instances."
      severity = "ERROR"
    }
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.alerts

  project               = local.project
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = each.value.for

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }

  documentation {
    content   = each.value.advice
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "errors" {
  project               = local.project
  display_name          = "${var.name}: more than 1 % of requests fail"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "5xx among all, over 5 minutes"
    condition_threshold {
      filter             = "${local.requests} AND metric.labels.response_code_class=500"
      denominator_filter = local.requests
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.01
      duration           = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }

      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "503 with Retry-After means that a dependency is down: the log line of the request's trace names it. 500 is a fault of ours."
    mime_type = "text/markdown"
  }
}

# Everything that a crash leaves behind relies on the sweeper, and the outbox alert on its word.
resource "google_monitoring_alert_policy" "sweeper" {
  project               = local.project
  display_name          = "${var.name}: the sweeper has not run for 10 minutes"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "no call of it succeeded"
    condition_absent {
      filter   = local.sweeper
      duration = "600s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "Look at the job in Cloud Scheduler, then at the sweeper's log. Until it runs, lost messages and deadlines wait; nothing is lost."
    mime_type = "text/markdown"
  }
}

resource "google_billing_budget" "this" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "${var.name} in ${local.project}"

  budget_filter {
    projects = ["projects/${local.number}"]
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = floor(var.budget.amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = local.channels
  }
}
