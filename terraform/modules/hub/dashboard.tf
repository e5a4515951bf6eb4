locals {
  # Two charts in a row; `by` is what the lines of one chart differ in.
  charts = [
    { title = "Installs by outcome", filter = "metric.type=\"${local.metrics.installs}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.outcome"], type = "STACKED_BAR" },
    { title = "Seconds to READY, p95", filter = "metric.type=\"${local.metrics.seconds_to_ready}\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = [], type = "LINE" },
    { title = "Oldest outbox entry, seconds", filter = "metric.type=\"${local.metrics.outbox_oldest_seconds}\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = [], type = "LINE" },
    { title = "Dead letters", filter = "metric.type=\"${local.metrics.dead_letters}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Errors in the logs", filter = "metric.type=\"${local.metrics.errors}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Installations that fell silent", filter = "metric.type=\"${local.metrics.silences}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Sweeps in which a job failed", filter = "metric.type=\"${local.metrics.sweep_failures}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.job"], type = "STACKED_BAR" },
    { title = "Sweeps that kept orphans", filter = "metric.type=\"${local.metrics.orphans_kept}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Cells whose cluster is another cell", filter = "metric.type=\"${local.metrics.cells_mixed_up}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Locks with a new vulnerability", filter = "metric.type=\"${local.metrics.advisories}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.severity"], type = "STACKED_BAR" },
    { title = "Looks at advisories that failed", filter = "metric.type=\"${local.metrics.advisories_gaps}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.event"], type = "STACKED_BAR" },
    { title = "Calls by somebody else than the function's caller", filter = "metric.type=\"${local.metrics.caller_refusals}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Check-ins that were dropped", filter = "metric.type=\"${local.metrics.check_in_drops}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Check-ins of an older key or none", filter = "metric.type=\"${local.metrics.check_in_tokens}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.event"], type = "STACKED_BAR" },
    { title = "Deliveries made again", filter = "metric.type=\"${local.metrics.delivery_retries}\"", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.function"], type = "STACKED_BAR" },
    { title = "Oldest undelivered message, seconds", filter = local.backlog, aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.label.subscription_id"], type = "LINE" },
    { title = "Requests by status", filter = local.requests, aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_code_class"], type = "STACKED_AREA" },
    { title = "Latency of the API in ms, p99", filter = local.latencies, aligner = "ALIGN_DELTA", reducer = "REDUCE_PERCENTILE_99", by = [local.has_gateway ? "resource.label.backend_target_name" : "resource.label.service_name"], type = "LINE" },
    { title = "Instances", filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=monitoring.regex.full_match(\"${var.name}-.*\") AND metric.type=\"run.googleapis.com/container/instance_count\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.service_name"], type = "STACKED_AREA" },
    { title = "Firestore writes a second", filter = "resource.type=\"firestore.googleapis.com/Database\" AND resource.labels.database_id=\"${google_firestore_database.this.name}\" AND metric.type=\"firestore.googleapis.com/document/write_ops_count\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.op"], type = "LINE" },
  ]

  widgets = [for chart in local.charts : {
    title = chart.title
    xyChart = {
      dataSets = [{
        plotType = chart.type
        timeSeriesQuery = {
          timeSeriesFilter = {
            filter = chart.filter
            aggregation = {
              for key, value in {
                alignmentPeriod    = "60s"
                perSeriesAligner   = chart.aligner
                crossSeriesReducer = chart.reducer
                groupByFields      = chart.by
              } : key => value if length(value) > 0
            }
          }
        }
      }]
    }
  }]
}

resource "google_monitoring_dashboard" "this" {
  project = local.project
  dashboard_json = jsonencode({
    displayName = "Provider Hub ${var.name}"
    mosaicLayout = {
      columns = 12
      # The API leaves out what is 0 or empty, which would be a difference in every plan.
      tiles = [for index, chart in local.charts : {
        for key, value in {
          width  = 6
          height = 4
          xPos   = index % 2 * 6
          yPos   = floor(index / 2) * 4
          widget = local.widgets[index]
        } : key => value if value != 0
      }]
    }
  })
}
