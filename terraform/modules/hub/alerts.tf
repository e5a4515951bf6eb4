locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  # What wakes somebody. `above` is in the metric's unit; `for` is how long it must last; without `where` it could never fire.
  alerts = {
    dead_letter = {
      title    = "a message was given up"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.dead_letters}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "The log line with the event dead_letter has its id, topic, organization and provider. Once its reason is mended, the organization retries it: `hub dead-letters retry ID`. Where organization_id is null it is the platform's: `hub console dead-letters` and `hub console retry-dead-letter ID`, with a token of the scope dead_letters:write."
      severity = "ERROR"
    }
    orphans_kept = {
      title    = "most of what runs in the cluster has no row"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.orphans_kept}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "The sweeper removes nothing. Look whether the functions read the database that belongs to this cluster: HUB_DATABASE, or a restore that is not done yet."
      severity = "CRITICAL"
    }
    cells_mixed_up = {
      title    = "a cell's cluster is another cell"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.cells_mixed_up}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "Nothing is applied in a cluster that says it is another cell. The log line names both: give each name in `cells` the cluster that it had, and deploy. Installations that waited go on by themselves."
      severity = "CRITICAL"
    }
    advisories = {
      title    = "a bad vulnerability of what is locked became known"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.advisories}\" AND metric.labels.severity=one_of(\"high\", \"critical\")"
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "The sweeper's log line with the event advisory_found names versions and vulnerabilities; `hub advisories` shows tenants what mends theirs. `hub relock` of a version takes what was fixed since."
      severity = "WARNING"
    }
    advisories_gaps = {
      title    = "known vulnerabilities are not looked up any more"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.advisories_gaps}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "The sweeper's log line says why: whatever copies OSV's export to settings.advisories_export stopped, or the sweeper may not read it. After 30 days nothing is shown of any lock. A line that names a provider is of one lock of it alone: the others are looked at."
      severity = "WARNING"
    }
    caller_refusals = {
      title    = "a function was called by somebody else than its own caller"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.caller_refusals}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "0s"
      advice   = "IAM let the call in, and the function refused it: look who has roles/run.invoker on the function. All calls refused means that the URL or the account of its callers was changed."
      severity = "CRITICAL"
    }
    outbox = {
      title    = "messages are owed for more than 5 minutes"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.outbox_oldest_seconds}\""
      aligner  = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", above = 300, for = "0s"
      advice   = "The sweeper runs and cannot publish: look at its log, then at Pub/Sub's status and the sweeper's grants on the topics."
      severity = "CRITICAL"
    }
    sweep_jobs = {
      title    = "a job of the sweeper fails in every second sweep"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.sweep_failures}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.job"], above = 4, for = "0s", period = "600s"
      advice   = "The sweeper's log lines with the event sweep_job_failed name the job and its error. An index that is missing refuses the job's query every time: compare the database's indexes with `database.tf`. The other jobs go on; what this one would have found waits."
      severity = "CRITICAL"
    }
    check_ins_refused = {
      title    = "check-ins are refused for their tokens"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.check_in_tokens}\" AND metric.labels.event=\"check_in_refused\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = var.alert_installations, for = "600s", period = "300s"
      advice   = "The registration's log lines with the event check_in_refused name organizations. Many of them: a key was removed from `check_in_keys` while pods still had its tokens. Put its name back, last; installations recover by themselves. A single one: its pods forge check-ins, which changes nothing."
      severity = "ERROR"
    }
    silences = {
      title    = "many installations check in no more"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.silences}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = var.alert_installations, for = "0s", period = "900s"
      advice   = "The log lines with the event installation_silent name them. Those of many organizations: look whether the cluster and its nodes are up, whether pods may publish to the topic runtime-check-ins, and at the log of the registration. Those of one: its provider stopped, and its tenant sees that."
      severity = "ERROR"
    }
    errors_logged = {
      title    = "a function logged an error"
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.errors}\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], above = 0, for = "0s", period = "300s"
      advice   = "Look for severity>=ERROR in the function's log. A login that an index refuses, a process that had too little memory and a call that was not understood say so; a traceback is a fault of ours."
      severity = "WARNING"
    }
    latency = {
      title    = "p99 of the API is above ${local.is_warm ? 2 : 10} seconds"
      filter   = local.latency
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", above = local.is_warm ? 2000 : 10000, for = "600s" # a cold start takes seconds
      advice   = "The dashboard says which function; cold starts go with min_instances, contention shows as \"tries of a contended change\" in the logs."
      severity = "WARNING"
    }
    backlog = {
      title    = "a consumer is more than 5 minutes behind"
      filter   = local.backlog
      aligner  = "ALIGN_MAX", reducer = "REDUCE_MAX", above = 300, for = "300s"
      advice   = "One message that is tried again holds back no other; many waiting mean that the consumer fails or has too few instances."
      severity = "ERROR"
    }
    tasks = {
      title    = "tasks are called more than 5 minutes late"
      filter   = "resource.type=\"cloud_tasks_queue\" AND resource.labels.queue_id=monitoring.regex.full_match(\"${join("|", [for queue in google_cloud_tasks_queue.this : queue.name])}\") AND metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_delays\""
      aligner  = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", above = 300000, for = "600s" # from the time that a task is due: most wait for that
      advice   = "Deadlines and rollout steps come late, by more than what the sweeper takes over. Look at the queue's rate and at the log of the function that its tasks go to; upgrades_per_second is the rate of rollouts. A queue that is paused calls nothing, and shows no delay."
      severity = "WARNING"
    }
    certificate = {
      where    = local.has_gateway
      title    = "the API's certificate ends within 14 days"
      filter   = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/time_until_ssl_cert_expires\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      aligner  = "ALIGN_NEXT_OLDER", reducer = "REDUCE_MIN", above = 14, for = "600s", period = "1200s", comparison = "COMPARISON_LT"
      advice   = "Google renews it while its DNS records stand: compare them with the output `dns_records`, then look at the certificate's state in Certificate Manager."
      severity = "ERROR"
    }
    unreachable = {
      title    = "the API does not answer from outside"
      filter   = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      aligner  = "ALIGN_NEXT_OLDER", reducer = "REDUCE_COUNT_FALSE", above = 1, for = "600s", period = "1200s"
      advice   = "Two regions or more cannot reach /health: look at the domain's records, the certificate, and the load balancer."
      severity = "CRITICAL"
    }
    nat = {
      where    = local.owns_network
      title    = "connections to the internet are dropped"
      filter   = "resource.type=\"nat_gateway\" AND resource.labels.gateway_name=\"${var.name}\" AND metric.type=\"router.googleapis.com/nat/dropped_sent_packets_count\" AND metric.labels.reason=\"OUT_OF_RESOURCES\""
      aligner  = "ALIGN_DELTA", reducer = "REDUCE_SUM", above = 0, for = "300s"
      advice   = "NAT has no port left: give network.static_addresses more, or nodes fewer runtimes."
      severity = "ERROR"
    }
  }

  # What shows in a log and in no metric. Unlike an absence, a line needs no earlier data point: a sweeper that never
  # worked once is seen by Cloud Scheduler's line about it.
  logged = {
    sweeper = {
      title  = "Cloud Scheduler could not call the sweeper"
      filter = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=~\"^${var.name}-(${join("|", [for name in keys(local.schedules) : replace(name, "_", "-")])})$\" AND severity>=ERROR"
      advice = "Its line says what was answered: 403 is a missing grant on the function, 404 a function that is not there, 5xx is in the function's own log."
    }
    unschedulable = {
      # An alert on a line reads the logs of its own project alone: README.md says what to do for a cluster elsewhere.
      where  = try(coalesce(var.cluster.existing.project, var.project), var.project) == var.project
      title  = "the cluster has no room for a runtime"
      filter = "resource.type=\"k8s_cluster\" AND resource.labels.project_id=\"${local.cluster.project}\" AND ${local.of_a_cell} AND log_id(\"container.googleapis.com/cluster-autoscaler-visibility\") AND jsonPayload.noDecisionStatus.noScaleUp:*"
      advice = "The line says why no node was added: most often the region's quota of CPUs or addresses, or a pods range that is used up. Installations wait until their deadline and then fail."
    }
  }
}

# Asks from several continents, which also gives the measurements above their first data point. A new host needs a
# new check, and Google refuses to delete a check that an alert names. So Terraform creates the new check, then changes the
# alerts. It would do the same with all that the check depends on, whose names cannot be taken twice. So the host comes from
# `api_host`, which depends on no function.
resource "google_monitoring_uptime_check_config" "api" {
  project      = local.project
  display_name = "${var.name}: the API"
  timeout      = "30s"
  period       = "600s"

  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = local.project
      host       = local.api_host
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_monitoring_alert_policy" "logged" {
  for_each = { for name, alert in local.logged : name => alert if lookup(alert, "where", true) }

  project               = local.project
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_matched_log {
      filter = each.value.filter
    }
  }

  alert_strategy {
    auto_close = "3600s"

    notification_rate_limit {
      period = "1800s"
    }
  }

  documentation {
    content   = each.value.advice
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = { for name, alert in local.alerts : name => alert if lookup(alert, "where", true) }

  project               = local.project
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = lookup(each.value, "comparison", "COMPARISON_GT")
      threshold_value = each.value.above
      duration        = each.value.for

      aggregations {
        alignment_period     = lookup(each.value, "period", "60s")
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = lookup(each.value, "by", [])
      }
    }
  }

  # What is counted from log lines has no data between them. Google would keep the incident open for seven days then, and
  # write nothing about what happens meanwhile.
  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    content   = each.value.advice
    mime_type = "text/markdown"
  }
}

# A tenant's own provider fails now and then, and the share alone says nothing where there are few.
resource "google_monitoring_alert_policy" "installs" {
  project               = local.project
  display_name          = "${var.name}: most installs fail"
  combiner              = "AND"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "more than half of those that ended, over 30 minutes"
    condition_threshold {
      filter             = local.failed_installs
      denominator_filter = local.ended_installs
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.5
      duration           = "0s"

      aggregations {
        alignment_period     = "1800s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }

      denominator_aggregations {
        alignment_period     = "1800s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "more than ${var.alert_installations} of them"
    condition_threshold {
      filter          = local.failed_installs
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_installations
      duration        = "0s"

      aggregations {
        alignment_period     = "1800s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    content   = "The log lines with the event installation_failed name organization and provider. One provider: its publisher has to mend it. Many: look at the cluster (room, image pulls, quota), then at the installer's log."
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
      filter             = local.errors
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

# Everything that a crash leaves behind relies on the sweeper, and the outbox alert on its word. An absence is seen only
# after a first data point; Cloud Scheduler's failures, above, tell of a sweeper that never ran.
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
