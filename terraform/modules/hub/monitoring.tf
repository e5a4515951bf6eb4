locals {
  # Lines of this environment's functions alone.
  logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name}-(${join("|", [for name in keys(local.functions) : replace(name, "_", "-")])})$\""

  # Counted from the functions' structured logs; README.md says what each field means.
  counters = {
    installs         = { filter = "jsonPayload.event=(\"installation_ready\" OR \"installation_failed\")", label = "outcome", from = "EXTRACT(jsonPayload.outcome)", description = "Generations that ended, by outcome." }
    delivery_retries = { filter = "jsonPayload.event=\"delivery_retried\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Deliveries that will be made again, by function." }
    check_in_drops   = { filter = "jsonPayload.event=\"check_in_dropped\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Check-ins that were unreadable, out of time, too many, or not of their row as it is." }
    check_in_tokens  = { filter = "jsonPayload.event=(\"check_in_by_older_key\" OR \"check_in_refused\")", label = "event", from = "EXTRACT(jsonPayload.event)", description = "Check-ins with a token of an older key, or of none." }
    caller_refusals  = { filter = "jsonPayload.event=\"caller_refused\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Calls without a token of the function's own caller." }
    orphans_kept     = { filter = "jsonPayload.event=\"orphans_kept\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Sweeps that removed nothing, since most of what is in the cluster has no row." }
    cells_mixed_up   = { filter = "jsonPayload.event=\"cells_mixed_up\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Looks at a cluster that is another cell than the settings say." }
    advisories       = { filter = "jsonPayload.event=\"advisory_found\"", label = "severity", from = "EXTRACT(jsonPayload.worst_severity)", description = "Locks of which a vulnerability became known, by the worst new one's severity." }
    advisories_gaps  = { filter = "jsonPayload.event=(\"advisories_unread\" OR \"advisories_stale\")", label = "event", from = "EXTRACT(jsonPayload.event)", description = "Looks at an export of advisories that cannot be read, or is old." }
    sweep_failures   = { filter = "jsonPayload.event=\"sweep_job_failed\"", label = "job", from = "EXTRACT(jsonPayload.job)", description = "Sweeps in which a job failed, by job." }
    silences         = { filter = "jsonPayload.event=\"installation_silent\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Installations that checked in no more." }
    # Lines with an event are counted above; a refused or failed request has a line of Cloud Run's, and alerts of its own.
    errors       = { filter = "severity>=ERROR AND NOT jsonPayload.event:* AND NOT log_id(\"run.googleapis.com/requests\")", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Lines of severity ERROR, by function." }
    dead_letters = { filter = "jsonPayload.event=\"dead_letter\"", label = "function", from = "EXTRACT(resource.labels.service_name)", description = "Messages given up, by function." }
  }

  # scale and factor of the buckets: from the scale on, each bucket's end is a factor higher.
  distributions = {
    seconds_to_ready      = { filter = "jsonPayload.event=\"installation_ready\"", scale = 1, factor = 1.3, description = "From the request to the runtime's first check-in." }
    outbox_oldest_seconds = { filter = "jsonPayload.outbox_oldest_seconds>=0", scale = 1, factor = 1.5, description = "Age of the oldest message that the sweeper found owed and unpublished." }
  }

  # A metric is found some time after it was made; alerts and objectives name it by way of this wait.
  metrics = { for name in concat(keys(local.counters), keys(local.distributions)) : name => "logging.googleapis.com/user/${time_sleep.metrics.triggers[name]}" }

  # What callers see: at the load balancer, or at the one function that answers where there is none.
  api       = local.has_gateway ? "resource.type=\"https_lb_rule\" AND resource.labels.url_map_name=\"${module.gateway[0].url_map}\"" : "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}-api\""
  requests  = "${local.api} AND metric.type=\"${local.has_gateway ? "loadbalancing.googleapis.com/https/request_count" : "run.googleapis.com/request_count"}\""
  errors    = "${local.requests} AND metric.labels.response_code_class=${local.has_gateway ? "500" : "\"5xx\""}"
  latencies = "${local.api} AND metric.type=\"${local.has_gateway ? "loadbalancing.googleapis.com/https/total_latencies" : "run.googleapis.com/request_latencies"}\""
  # Publishing downloads a wheel of up to 256 MiB while its caller waits.
  latency = local.has_gateway ? "${local.latencies} AND resource.labels.backend_target_name!=\"${var.name}-publishing\"" : local.latencies
  # Whether no caller meets a cold start, which alone takes longer than a request may.
  is_warm = local.has_gateway && alltrue([for name, function in local.functions : name == "publishing" || !function.public || tonumber(local.sizes[name].min_instances) > 0])

  ended_installs  = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.installs}\""
  failed_installs = "${local.ended_installs} AND metric.labels.outcome=\"failed\""

  sweeper = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}-sweeper\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"2xx\""
  backlog = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"${local.topic_prefix}(${join("|", keys(local.topics))})(-dead-letter)?\") AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  project          = local.project
  name             = "${var.name}/${each.key}"
  description      = each.value.description
  filter           = "${local.logs} AND ${each.value.filter}"
  label_extractors = { (each.value.label) = each.value.from }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key        = each.value.label
      value_type = "STRING"
    }
  }
}

resource "google_logging_metric" "distribution" {
  for_each = local.distributions

  project         = local.project
  name            = "${var.name}/${each.key}"
  description     = each.value.description
  filter          = "${local.logs} AND ${each.value.filter}"
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 32
      growth_factor      = each.value.factor
      scale              = each.value.scale
    }
  }
}

# Up to ten minutes, and a policy that names the metric sooner is refused with a 404 that the provider does not try again.
# The cluster takes as long, so that nothing waits for this.
resource "time_sleep" "metrics" {
  create_duration = "600s"
  triggers = merge(
    { for key, metric in google_logging_metric.counter : key => metric.name },
    { for key, metric in google_logging_metric.distribution : key => metric.name },
  )
}

# Google deletes no channel that an alert names: the alerts change first, and then an address that was taken out goes.
resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  project      = local.project
  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
  force_delete = true # what else names it, such as an alert that somebody made by hand, loses it and stays

  lifecycle {
    create_before_destroy = true
  }
}
